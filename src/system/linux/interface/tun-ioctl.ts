/** Uses ioctl(2) to turn a descriptor of /dev/net/tun into an interface (linux/if_tun.h). */
import { constants } from 'node:os';

import { VIRTIO_NET_HEADER_LENGTH } from '../../../wire/virtio-net.js';
import { type Libc, type LibcFunction, SystemCallError } from '../libc.js';
import { LITTLE_ENDIAN } from '../machine-word.js';

const TUNSETIFF = 0x400454ca;
const TUNSETOFFLOAD = 0x400454d0;
const TUNSETVNETHDRSZ = 0x400454d8;
const TUNSETVNETLE = 0x400454dc;

/** Frames are IP packets without a link layer, preceded only by a virtio header. */
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;

/** The offloads that this process performs, so that the kernel passes large packets unsplit. */
const TUN_F_CSUM = 0x01;
const TUN_F_TSO4 = 0x02;
const TUN_F_TSO6 = 0x04;
const TUN_F_USO4 = 0x20;
const TUN_F_USO6 = 0x40;
const TCP_OFFLOADS = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
const UDP_OFFLOADS = TUN_F_USO4 | TUN_F_USO6;

/** struct ifreq: the name with its NUL byte, then a union, of which the flags use two bytes. */
const NAME_LENGTH = 16;
const FLAGS = 16;
const MEMORY_LENGTH = 128;

/**
 * Turns a descriptor of /dev/net/tun into an interface.
 *
 * @returns the name that the kernel gave the interface
 * @throws SystemCallError EINVAL if the name is invalid or belongs to another type of interface,
 * EBUSY if another process is using the interface, EPERM without CAP_NET_ADMIN
 */
export function configureTun(libc: Libc, descriptor: number, name: string): string {
  const control = new TunControl(libc, descriptor);
  const given = control.setInterface(name, IFF_TUN | IFF_NO_PI | IFF_VNET_HDR);
  control.setNumber('TUNSETVNETHDRSZ', TUNSETVNETHDRSZ, VIRTIO_NET_HEADER_LENGTH);
  // A virtio header uses the machine's byte order unless another order is requested.
  if (!LITTLE_ENDIAN) control.setNumber('TUNSETVNETLE', TUNSETVNETLE, 1);
  // UDP offloads let the kernel pass several datagrams as one frame (Linux 6.2).
  if (!control.setOffloads(TCP_OFFLOADS | UDP_OFFLOADS)) control.setOffloads(TCP_OFFLOADS);
  return given;
}

class TunControl {
  readonly #libc: Libc;
  readonly #ioctl: LibcFunction;
  readonly #descriptor: number;
  /** Memory for a struct ifreq or a number. */
  readonly #memory = Buffer.from(new ArrayBuffer(MEMORY_LENGTH));
  readonly #view = new DataView(this.#memory.buffer);
  readonly #address: number;

  constructor(libc: Libc, descriptor: number) {
    this.#libc = libc;
    this.#ioctl = libc.bind('int ioctl(int, unsigned long, uintptr_t)');
    this.#descriptor = descriptor;
    this.#address = Number(libc.address(this.#memory));
  }

  setInterface(name: string, flags: number): string {
    // Reject a long name, because the kernel would create an interface with the truncated name.
    if (Buffer.byteLength(name) >= NAME_LENGTH || name.includes('\0')) {
      throw new SystemCallError('ioctl TUNSETIFF', constants.errno.EINVAL);
    }
    this.#memory.write(name);
    this.#view.setUint16(FLAGS, flags, LITTLE_ENDIAN);
    if (this.#ioctl(this.#descriptor, TUNSETIFF, this.#address) < 0) {
      throw new SystemCallError('ioctl TUNSETIFF', this.#libc.errno());
    }
    return this.#memory.toString('utf8', 0, this.#memory.indexOf(0));
  }

  setNumber(call: string, request: number, value: number): void {
    this.#view.setInt32(0, value, LITTLE_ENDIAN);
    if (this.#ioctl(this.#descriptor, request, this.#address) < 0) {
      throw new SystemCallError(`ioctl ${call}`, this.#libc.errno());
    }
  }

  /**
   * Enables the optional offloads. If any of them is unsupported, enables none and returns false.
   */
  setOffloads(offloads: number): boolean {
    return this.#ioctl(this.#descriptor, TUNSETOFFLOAD, offloads) === 0;
  }
}
