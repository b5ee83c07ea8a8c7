/**
 * The command `serve`, as data. What it does is in `server/serve.ts`, which needs packages; this
 * does not.
 *
 * @module
 */
import type { CommandDeclaration } from "./options.ts";

/** See the module's header. */
export const SERVE: CommandDeclaration = {
  name: "serve",
  about: "Serves the laboratory over HTTP and as a page: start machines, watch them hibernate, " +
    "stop them, pull the plug anywhere.",
  options: [
    {
      name: "port",
      kind: "whole",
      value: "N",
      help: "where to listen; 0 takes a free one",
      default: "8080",
      min: "0",
      max: "65535",
    },
    {
      name: "host",
      kind: "text",
      value: "ADDRESS",
      help: "the address to listen on; one that others can reach wants a token, and " +
        "'deno task serve-open'",
      default: "127.0.0.1",
    },
    {
      name: "token",
      kind: "text",
      value: "TOKEN",
      help: "wanted of every request: 16 letters or digits or more",
      otherwise: "none on this computer only, else one that is made and printed",
    },
    {
      name: "host-name",
      kind: "text",
      value: "NAMES",
      help: "further names by which it is reached, with commas between",
    },
    {
      name: "folder",
      kind: "path",
      value: "DIR",
      help: "where runs are kept",
      default: "out/server",
    },
    { name: "stack", kind: "flag", help: "with an internal error, print where it came from" },
    { name: "help", kind: "flag", help: "print this" },
  ],
  notes: [
    "Ctrl-C stops it; what runs is marked as interrupted and its events are kept.",
    "/openapi.json describes the HTTP interface.",
  ],
};
