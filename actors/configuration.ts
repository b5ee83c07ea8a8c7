/**
 * How an actor takes the configuration it is started with: plain data, checked against a shape
 * once, so that no handler meets a missing number later.
 *
 * @module
 */
import { ProtocolError } from "../machine/errors.ts";
import type { Plain, Shape } from "../machine/messages/shape.ts";

function fits<T>(shape: Shape<T>, value: unknown, path: string): value is T {
  return shape.check(value, path) === undefined;
}

/**
 * The configuration as the type its shape stands for.
 *
 * @throws {ProtocolError} naming the field that is missing, unknown or of another kind.
 */
export function configOf<T>(shape: Shape<T>, config: Plain, actor: string): T {
  if (fits(shape, config, "config")) return config;
  const wrong = shape.check(config, "config") ?? "config is wrong";
  throw new ProtocolError(wrong, { actor, type: "start" });
}
