/**
 * The panes of the right panel.
 *
 * @module
 */
import type { TemplateResult } from "lit-html";
import type { Pane, PartContext } from "../model.ts";
import { consolesPane } from "./consoles.ts";
import { diskPane } from "./disk.ts";
import { eventPane } from "./event.ts";
import { memoryPane } from "./memory.ts";
import { rulesPane } from "./rules.ts";
import { statePane } from "./state.ts";

export { highlighted } from "./event.ts";

const PARTS: { readonly [Name in Pane]: (context: PartContext) => TemplateResult } = {
  event: eventPane,
  rules: rulesPane,
  state: statePane,
  memory: memoryPane,
  disk: diskPane,
  consoles: consolesPane,
};

/** What a pane shows at the cursor. */
export function panelOf(pane: Pane, context: PartContext): TemplateResult {
  return PARTS[pane](context);
}
