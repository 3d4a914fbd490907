/** A tun interface, created through /dev/net/tun (Documentation/networking/tuntap). */
import { closeSync, constants as fileConstants, openSync } from 'node:fs';
import { constants } from 'node:os';

import { clearList } from '../../../lib/clear-list.js';
import { isDenied } from '../../../lib/errors/error-message.js';
import type { PacketInterface, PacketInterfaceRefusal } from '../../../ports/packet-interfaces.js';
import { VIRTIO_NET_HEADER_LENGTH } from '../../../wire/virtio-net.js';
import { BufferList } from '../udp/buffer-list.js';
import { type Libc, type LibcFunction, SystemCallError } from '../libc.js';
import { Watch } from '../readiness.js';
import { ReceiveSlab } from '../udp/receive-slab.js';
import { InterfaceError } from './interface-error.js';
import { configureTun } from './tun-ioctl.js';

const TUN_PATH = '/dev/net/tun';

const LONGEST_FRAME = VIRTIO_NET_HEADER_LENGTH + 65_535;

/** The maximum number of parts of one frame (IOV_MAX). */
const MAX_PARTS = 1024;

/** The limits for one turn of the event loop, so that timers and other input are not delayed. */
const FRAMES_PER_TURN = 64;
const BYTES_PER_TURN = 256 * 1024;

/**
 * Creates an interface that is down and has no address, in this thread's network namespace.
 *
 * @param name at most 15 bytes; `%d` becomes the first free number, and if the name is empty, the
 * kernel chooses one
 * @throws InterfaceError
 */
export function openTunInterface(libc: Libc, name: string): PacketInterface {
  const descriptor = openTun();
  try {
    return new TunInterface(libc, { descriptor, name: configureTun(libc, descriptor, name) });
  } catch (error) {
    closeSync(descriptor);
    if (!(error instanceof SystemCallError)) throw error;
    throw new InterfaceError(whyRefused(libc, name, error.code), error);
  }
}

function openTun(): number {
  try {
    return openSync(TUN_PATH, fileConstants.O_RDWR | fileConstants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // ENODEV and ENXIO mean that the device file exists but has no driver.
    const isMissing = code === 'ENOENT' || code === 'ENODEV' || code === 'ENXIO';
    throw new InterfaceError(
      isMissing ? 'no-driver' : isDenied(error) ? 'no-access' : 'failed',
      error,
    );
  }
}

function whyRefused(libc: Libc, name: string, code: string): PacketInterfaceRefusal {
  if (code === 'EPERM') return 'not-permitted';
  if (code === 'EBUSY') return 'name-taken';
  if (code !== 'EINVAL') return 'failed';
  // Either another type of interface has the name, or the name is invalid.
  const isTaken = libc.bind('unsigned int if_nametoindex(const char *)')(name) !== 0;
  return isTaken ? 'name-taken' : 'bad-name';
}

class TunInterface implements PacketInterface {
  readonly name: string;
  onFrames: (frames: readonly Uint8Array[]) => void = () => undefined;
  onGone: (error: Error) => void = () => undefined;
  readonly #libc: Libc;
  readonly #descriptor: number;
  readonly #readCall: LibcFunction;
  readonly #writevCall: LibcFunction;
  readonly #slab: ReceiveSlab;
  /** The frames of the latest turn. */
  readonly #frames: Uint8Array[] = [];
  readonly #parts: BufferList;
  readonly #watch: Watch;
  #isClosed = false;

  constructor(
    libc: Libc,
    { descriptor, name }: { readonly descriptor: number; readonly name: string },
  ) {
    this.name = name;
    this.#libc = libc;
    this.#descriptor = descriptor;
    this.#readCall = libc.bind('long read(int, uintptr_t, unsigned long)');
    this.#writevCall = libc.bind('long writev(int, uintptr_t, int)');
    this.#slab = new ReceiveSlab(libc, 'frame', LONGEST_FRAME);
    this.#parts = new BufferList(libc, MAX_PARTS);
    this.#watch = new Watch(libc, descriptor, {
      onReadable: () => this.#read(),
      onWritable: () => undefined,
    });
  }

  setReading(isReading: boolean): void {
    this.#watch.wantReadable(isReading);
  }

  write(parts: readonly Uint8Array[]): Error | undefined {
    if (parts.length > MAX_PARTS)
      throw new RangeError(`a frame must have at most ${MAX_PARTS} parts`);
    if (this.#isClosed) return new SystemCallError('writev', constants.errno.EBADF);
    for (let index = 0; index < parts.length; index++)
      this.#parts.setBytes(index, parts[index] as Uint8Array);
    for (;;) {
      const written = this.#writevCall(this.#descriptor, this.#parts.address, parts.length);
      if (written >= 0) return undefined;
      const errno = this.#libc.errno();
      if (errno !== constants.errno.EINTR) return new SystemCallError('writev', errno);
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#watch.close();
    closeSync(this.#descriptor);
  }

  /** Returns true if reading stopped before the device was empty. */
  #read(): boolean {
    this.#slab.reuse();
    const frames = this.#frames;
    clearList(frames);
    let bytes = 0;
    let errno = 0;
    while (errno === 0 && frames.length < FRAMES_PER_TURN && bytes < BYTES_PER_TURN) {
      const length = this.#readCall(this.#descriptor, this.#slab.reserve(), LONGEST_FRAME);
      if (length >= 0) {
        frames.push(this.#slab.part(this.#slab.take(length), length));
        bytes += length;
      } else {
        errno = this.#libc.errno();
        if (errno === constants.errno.EINTR) errno = 0;
      }
    }
    if (frames.length > 0) this.onFrames(frames);
    if (errno !== 0 && errno !== constants.errno.EAGAIN) this.#lose(errno);
    return errno === 0;
  }

  /** Closes the deleted interface's device; otherwise epoll would report it as ready forever. */
  #lose(errno: number): void {
    if (this.#isClosed) return;
    this.close();
    this.onGone(new SystemCallError('read', errno));
  }
}
