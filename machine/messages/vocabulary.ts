/**
 * All message types of the machine, declared once, one file per conversation.
 *
 * @module
 */
import { CPU_MESSAGES } from "./cpu.ts";
import type { Role } from "./declare.ts";
import { DEVICE_MESSAGES } from "./device.ts";
import { DISK_MESSAGES } from "./disk.ts";
import { FIRMWARE_MESSAGES } from "./firmware.ts";
import { MEMORY_MESSAGES } from "./memory.ts";
import type { Infer } from "./shape.ts";

/** Every message type with its declaration. */
export const MESSAGES = {
  ...MEMORY_MESSAGES,
  ...DISK_MESSAGES,
  ...CPU_MESSAGES,
  ...FIRMWARE_MESSAGES,
  ...DEVICE_MESSAGES,
} as const;

/** Name of a message type: `subject.verb`. */
export type MessageType = keyof typeof MESSAGES;

/** The body of a message type. */
export type Body<T extends MessageType> = Infer<typeof MESSAGES[T]["body"]>;

/** Whether a text names a message type. */
export function isMessageType(name: string): name is MessageType {
  return Object.hasOwn(MESSAGES, name);
}

/** What is wrong with a message, or `undefined`: its type, its direction, its body. */
export function checkMessage(
  type: string,
  from: Role,
  to: Role,
  body: unknown,
): string | undefined {
  if (!isMessageType(type)) return `no message type '${type}' is declared`;
  const declaration = MESSAGES[type];
  const senders: readonly Role[] = declaration.from;
  const receivers: readonly Role[] = declaration.to;
  if (!senders.includes(from)) return `'${type}' is not sent by a ${from}`;
  if (!receivers.includes(to)) return `'${type}' is not sent to a ${to}`;
  return declaration.body.check(body, type);
}
