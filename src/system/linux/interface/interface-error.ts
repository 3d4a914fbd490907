import { messageOf } from '../../../lib/errors/error-message.js';
import type {
  PacketInterfaceError,
  PacketInterfaceRefusal,
} from '../../../ports/packet-interfaces.js';

/** The error if the interface cannot be created, with a reason that the user can act on. */
export class InterfaceError extends Error implements PacketInterfaceError {
  override readonly name = 'InterfaceError';
  readonly refusal: PacketInterfaceRefusal;

  constructor(refusal: PacketInterfaceRefusal, cause: unknown) {
    super(messageOf(cause), { cause });
    this.refusal = refusal;
  }
}
