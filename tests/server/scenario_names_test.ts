import assert from "node:assert/strict";
import { main } from "../../server/terminal/main.ts";
import { SYSTEM_SCENARIOS } from "../../server/terminal/commands.ts";
import { KeptTerminal, ScratchFolder } from "./terminal_kit.ts";

Deno.test("hibernate runs one of the house's scenarios by its bare name", async () => {
  using scratch = new ScratchFolder();
  const terminal = new KeptTerminal();
  const args = ["mainline-jump", "--transport", "inline", "--quiet", "--out", scratch.file("o")];
  assert.equal(await main(["hibernate", ...args], terminal), 0, terminal.failures);
  assert.match(terminal.printed, /^ok {2,}\S*mainline-jump\.md: /);
});

Deno.test("hibernate says which scenario a misspelt name may mean, and leaves nothing behind", async () => {
  const terminal = new KeptTerminal();
  assert.equal(await main(["hibernate", "mainline-jmp"], terminal), 2);
  assert.match(
    terminal.failures,
    /^There is no scenario 'mainline-jmp'; did you mean 'mainline-jump'\? /,
  );
});

Deno.test("hibernate --system has a scenario for each of its words", async () => {
  for (const [word, name] of Object.entries(SYSTEM_SCENARIOS)) {
    const path = new URL(`../../fixtures/scenarios/${name}.md`, import.meta.url);
    assert.ok((await Deno.stat(path)).isFile, word);
  }
});

Deno.test("hibernate refuses --system beside a scenario", async () => {
  const terminal = new KeptTerminal();
  assert.equal(await main(["hibernate", "mainline-jump", "--system", "v7"], terminal), 2);
  assert.match(terminal.failures, /--system and a scenario's name exclude each other/);
});
