// Compile src/ by tsc and copy public/ into dist/. The documentation viewer is
// an npm package; without it /docs shows where the description is.
// Works with node 12 (Ubuntu 22.04) and later.
import { execFileSync } from "child_process";
import fs from "fs";
import path from "path";

const viewer = ["swagger-ui.css", "swagger-ui-bundle.js"];

if (fs.rmSync) fs.rmSync("dist", { recursive: true, force: true });
else if (fs.existsSync("dist")) fs.rmdirSync("dist", { recursive: true });
fs.mkdirSync("dist", { recursive: true });
execFileSync("tsc", ["-p", "."], { stdio: "inherit" });
for (const name of fs.readdirSync("public"))
  fs.copyFileSync(path.join("public", name), path.join("dist", name));
for (const name of viewer) {
  const from = path.join("node_modules/swagger-ui-dist", name);
  if (fs.existsSync(from)) fs.copyFileSync(from, path.join("dist", name));
}
