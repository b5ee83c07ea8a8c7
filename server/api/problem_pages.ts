/**
 * What stands behind the `type` of a problem: when it comes and what to do.
 *
 * @module
 */
import { type ProblemName, PROBLEMS } from "../problem.ts";

const EXPLANATIONS: Readonly<Record<ProblemName, string>> = {
  "bad-request":
    "Something in the address, the headers or the body does not have the form that the path " +
    "takes. 'errors' has a JSON pointer to each place, beginning with 'path', 'query', 'header' " +
    "or 'body'. The forms of all requests stand in /openapi.json.",
  "not-readable":
    "The request has the right form, but what is in it cannot be read: a transcript with a " +
    "mistake, a log of no kind that is known, a file that is cut off. 'detail' says where.",
  "token-required":
    "The server was started with a token, as it is when it can be reached from other computers. " +
    "Send it as 'Authorization: Bearer', or open the address that the server printed once.",
  "foreign-host":
    "The request is for a host name that is not the server's; a page that points its own name to " +
    "this computer would send such a one. Use the address that the server printed, or start the " +
    "server with --host-name for the name.",
  "foreign-origin":
    "A page of another site asked for this. Only the server's own page and programs may, except " +
    "that ui.perfetto.dev may fetch a run's export for it.",
  "unknown-path": "Nothing is at this path; /openapi.json lists all there are.",
  "unknown-run":
    "No run has this identity: it never had one, was removed, or made room for newer ones. " +
    "'GET /api/runs' lists those that are there.",
  "unknown-event":
    "The run has no event of this number. Events are numbered from 0 without gaps; how many " +
    "there are stands in the run's 'events'.",
  "unknown-scenario": "No scenario has this name; 'GET /api/scenarios' lists all.",
  "unknown-rule": "No rule has this id; 'GET /api/rules' lists all.",
  "unknown-blob":
    "The run has no bytes of this digest, or at this moment there is no such file on its disk.",
  "wrong-method": "The path is there but does not do this; the header 'Allow' says what it does.",
  "not-acceptable":
    "The header 'Accept' names only forms that this cannot be had in; 'detail' names those it can.",
  "wrong-state":
    "The run is not in a state for that: it has ended, still runs, or waits for something else. " +
    "'status' and 'standing' of the run say what it does.",
  "not-replayable":
    "The run was recorded elsewhere. It has events, a report and exports, but no machine of ours " +
    "ran, so there is no memory and no disk to look at, and it cannot be forked.",
  "too-large":
    "A limit was passed; 'limit' names it and says how much it is. Most are in server/limits.ts.",
  "wrong-media-type":
    "The header 'Content-Type' or 'Content-Encoding' is not one that the path takes: JSON for " +
    "requests, the file itself for uploads, packed with gzip or not at all.",
  "wrong-range":
    "The header 'Range' asks for bytes behind the end; 'Content-Range' says how many there are.",
  "too-many":
    "As much as the server does at one time is being done. 'limit' says what, and the header " +
    "'Retry-After' when to come again.",
  "internal": "The laboratory has a defect. What is known of it was printed where the server runs.",
  "stopping": "The server is being stopped and takes nothing new.",
};

/** What is said of a problem; `undefined` if there is none of the name. */
export function problemPage(
  name: string,
): { name: string; status: number; title: string; explanation: string } | undefined {
  for (const known of Object.keys(PROBLEMS).filter(isProblemName)) {
    if (known !== name) continue;
    const { status, title } = PROBLEMS[known];
    return { name: known, status, title, explanation: EXPLANATIONS[known] };
  }
  return undefined;
}

function isProblemName(name: string): name is ProblemName {
  return Object.hasOwn(PROBLEMS, name);
}
