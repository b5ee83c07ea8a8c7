/**
 * Toys that misbehave: a device that is asked to hang, to be slow, to throw, to say too much, or
 * to touch what is not its own.
 *
 * @module
 */
import type { AnyBehaviour } from "../../machine/actor.ts";
import { toy } from "./toys.ts";

/** Does for a line typed at it what the line says. */
const BAD_DEVICE: AnyBehaviour = toy<{ seen: string }>({
  kind: "bad_device",
  role: "device",
  doc: "Misbehaves on demand.",
  states: { on: { handles: ["console.type"] } },
  start: () => ({ seen: "" }),
  label: () => "on",
  on: {
    "console.type": (state, { body }, out, access) => {
      switch (body.line) {
        case "hang":
          for (;;) state.seen = "";
        case "slow":
          for (let count = 0; count < 2_000_000_000; count++) state.seen = "";
          break;
        case "throw":
          throw new RangeError("a step that throws");
        case "ram":
          access.read(0, 1);
          break;
        case "blocks":
          access.blocks.flush({ pending: [], next: 0 });
          break;
        case "spawn":
          out.spawn("child", "bad_device", null);
          break;
        case "grant":
          out.grant(0, 4096, true);
          break;
        case "big":
          out.send("person", "console.shown", {
            by: out.self,
            text: "ü".repeat(300_000),
            prompt: false,
          });
          break;
      }
      return { seen: body.line };
    },
  },
});

/** Types its lines at the device, one each 1000 ns. */
const TYPIST: AnyBehaviour = toy<{ lines: readonly string[] }>({
  kind: "toy_typist",
  role: "operator",
  doc: "Types lines.",
  states: { on: { handles: ["console.shown"] } },
  start(config, out) {
    const lines = Array.isArray(config) ? config.map(String) : [];
    out.timer("type", 1000);
    return { lines };
  },
  label: () => "on",
  signal(state, _, out) {
    const [line, ...lines] = state.lines;
    if (line === undefined) {
      out.finish("typed");
      return state;
    }
    out.send("device", "console.type", { line });
    out.timer("type", 1000);
    return { lines };
  },
  on: { "console.shown": (state) => state },
});

/** Asks for leave to write one page, and keeps it. */
const HOLDER: AnyBehaviour = toy<null>({
  kind: "toy_holder",
  role: "kernel",
  doc: "Holds a grant.",
  states: { on: { handles: ["memory.granted"] } },
  start(_, out) {
    const ranges = [{ start: 0, length: 4096 }];
    out.send("memory", "memory.acquire", { tag: "1", by: out.self, ranges, write: true });
    return null;
  },
  label: () => "on",
  on: { "memory.granted": (state) => state },
});

/** Starts one holder, ends it, and starts another. */
const SWITCHER: AnyBehaviour = toy<{ step: number }>({
  kind: "toy_switcher",
  role: "operator",
  doc: "Lets one follow the other.",
  states: { on: { handles: [] } },
  start(_, out) {
    out.timer("next", 1000);
    return { step: 0 };
  },
  label: () => "on",
  signal({ step }, _, out) {
    if (step === 0) out.spawn("first", "toy_holder", null);
    else if (step === 1) out.dispose("first");
    else if (step === 2) out.spawn("second", "toy_holder", null);
    else out.finish("switched");
    out.timer("next", 1000);
    return { step: step + 1 };
  },
  on: {},
});

/** All of them. */
export const TROUBLE: readonly AnyBehaviour[] = [BAD_DEVICE, TYPIST, HOLDER, SWITCHER];
