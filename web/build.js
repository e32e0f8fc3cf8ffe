// Compile src/ and copy public/ and the documentation viewer into dist/.
// Works with node 12 (Ubuntu 22.04) and later.
import { execFileSync } from "child_process";
import fs from "fs";
import path from "path";

const viewer = ["swagger-ui.css", "swagger-ui-bundle.js"];

fs.rmSync
  ? fs.rmSync("dist", { recursive: true, force: true })
  : fs.rmdirSync("dist", { recursive: true });
fs.mkdirSync("dist", { recursive: true });
execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "."], {
  stdio: "inherit",
});
for (const name of fs.readdirSync("public"))
  fs.copyFileSync(path.join("public", name), path.join("dist", name));
for (const name of viewer)
  fs.copyFileSync(
    path.join("node_modules/swagger-ui-dist", name),
    path.join("dist", name)
  );
