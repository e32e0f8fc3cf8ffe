// What was promised on a ticket: which promise is broken, which nearly.
import { TicketBrief } from "./api.js";
import { el } from "./dom.js";
import { number, t, when, Word } from "./words.js";

// The last hour: somebody can still keep the promise if he begins now.
const NEAR_MS = 3600e3;

const kinds = ["first", "next", "solution"] as const;
type Kind = typeof kinds[number];
export type Lateness = "late" | "near" | "";
export interface Due { kind: Kind; at: string; lateness: Lateness }

function lateness(x: TicketBrief, at: string): Lateness {
  if (["solved", "closed", "merged"].includes(x.state)) return "";
  const left = Date.parse(at) - Date.now();
  if (left < 0) return "late";
  return left < NEAR_MS && x.state !== "pending" ? "near" : ""; // pending: the clock stands
}

// Soonest first.
export function dues(x: TicketBrief): Due[] {
  const at: Record<Kind, string | null> =
    { first: x.first_due, next: x.next_due, solution: x.solution_due };
  return kinds.filter((kind) => at[kind] !== null)
    .map((kind) => ({ kind, at: at[kind]!, lateness: lateness(x, at[kind]!) }))
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

// "20 min", "3 hr", "2 days": begun minutes of what is left, whole ones of what
// is over, so that nobody is told of more than there is.
function span(ms: number): string {
  const whole = (unit: number): number => ms < 0 ? Math.floor(-ms / unit) : Math.ceil(ms / unit);
  const minutes = Math.max(1, whole(60e3));
  if (minutes < 60) return number(minutes, "minute");
  const hours = whole(3600e3);
  return hours < 48 ? number(hours, "hour") : number(whole(24 * 3600e3), "day");
}

export function dueWords(due: Due): string {
  return t(`${due.lateness}_${due.kind}` as Word, { time: span(Date.parse(due.at) - Date.now()) });
}

// What a row of the list says: the promise that was broken first, or else ends
// first.
export function dueMark(x: TicketBrief): HTMLElement | null {
  const due = dues(x).find((d) => d.lateness !== "");
  return due ? el("span", { class: "due " + due.lateness, title: when(due.at) }, dueWords(due)) : null;
}
