/** A second loader beside the first. */
import { done, type Procedure, procedure } from "../../actors/kernel/procedure.ts";

/** Asks to load nothing as soon as another holds the lock; the answer is its value. */
export const UNTIL_LOCKED: Procedure = procedure("test_until_locked", [
  {
    name: "look",
    run: (kernel) =>
      kernel.state.lock === ""
        ? { do: "ask", target: "rtc", type: "timer.arm", body: { delay_ns: 1000 } }
        : { do: "goto", step: "load" },
    then: () => ({ do: "goto", step: "look" }),
  },
  {
    name: "load",
    run: () => ({
      do: "call",
      procedure: "sys_kexec_load",
      vars: { segments: [], entry: 0, flags: 0 },
    }),
    then: (_kernel, _vars, answer) => done(answer),
  },
]);
