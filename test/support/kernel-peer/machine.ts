/**
 * Boots Debian's kernel in qemu, without KVM: a virtual machine for one test file, controlled by
 * standard input.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { type Processes, REPOSITORY, type TestProcess } from '../processes.js';

const BUILT = join(REPOSITORY, 'build', 'kernel-peer');
const KERNEL = join(BUILT, 'vmlinuz');
export const INITRAMFS = join(BUILT, 'initramfs');

/** A boot takes four seconds on an idle machine. The limit ends a test that hangs. */
const BOOT_TIMEOUT = 240_000;

/** Whether test/support/kernel-peer/build.sh has run. */
export function isKernelBuilt(): boolean {
  return existsSync(KERNEL) && existsSync(INITRAMFS);
}

export interface MachineContents {
  readonly initramfs: string;
  readonly memory: number;
}

export class KernelMachine {
  readonly #process: TestProcess;
  #commands = 0;

  private constructor(qemu: TestProcess) {
    this.#process = qemu;
  }

  /**
   * @param tap a device in that namespace, connected to the machine's only network card, eth0
   * @param contents an initramfs other than the minimal one, and the memory that it needs in MiB
   */
  static async boot(
    processes: Processes,
    space: readonly string[],
    tap: string,
    { initramfs, memory }: MachineContents = { initramfs: INITRAMFS, memory: 256 },
  ): Promise<KernelMachine> {
    const qemu = processes.start(
      [
        ...space,
        'qemu-system-x86_64',
        ...['-M', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'max'],
        ...['-m', String(memory)],
        ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
        ...['-device', 'virtio-serial-pci', '-chardev', 'stdio,id=commands'],
        ...['-device', 'virtserialport,chardev=commands'],
        ...['-netdev', `tap,id=net,ifname=${tap},script=no,downscript=no`],
        ...['-device', 'virtio-net-pci,netdev=net,romfile='],
        ...['-kernel', KERNEL, '-initrd', initramfs],
        // Without the last word, the kernel may find that its timer does not work on a busy machine.
        ...['-append', 'quiet panic=-1 mitigations=off no_timer_check'],
      ],
      { interactive: true },
    );
    await qemu.output(/^ready$/m, 'stdout', BOOT_TIMEOUT);
    return new KernelMachine(qemu);
  }

  /**
   * Runs a shell command; several may run concurrently.
   *
   * @returns its output
   * @throws Error if the command fails, or takes longer than `timeout` ms
   */
  async run(command: string, timeout = 60_000): Promise<string> {
    const number = ++this.#commands;
    this.#process.type(`${number} ${Buffer.from(command).toString('base64')}\n`);
    const answer = new RegExp(`^${number} (\\d+) (\\S*)$`, 'm');
    const [, status, output] = await this.#process.output(answer, 'stdout', timeout).catch(() => {
      throw new Error(`in the machine: ${command}: not done in ${timeout} ms`);
    });
    const text = Buffer.from(output!, 'base64').toString();
    if (status !== '0') throw new Error(`in the machine: ${command}: ${status}: ${text}`);
    return text;
  }
}
