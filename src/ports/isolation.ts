/** The ports for running a program in a user, network and mount namespace of its own (namespaces(7)). */
import type { PacketInterface } from './packet-interfaces.js';

/** Why this system cannot isolate a program. */
export type IsolationObstacle =
  | { readonly kind: 'not-linux' | 'no-unshare' | 'old-unshare' | 'no-tun' | 'tun-denied' }
  /** The library for system calls cannot be loaded. */
  | { readonly kind: 'no-koffi'; readonly reason: string }
  /** A setting of the kernel forbids namespaces. */
  | {
      readonly kind: 'setting';
      /** The name for sysctl(8). */
      readonly name: string;
      readonly value: string;
      /** A value that allows namespaces. */
      readonly wanted: string;
      readonly reason: string;
    }
  /** The system refuses for another reason. */
  | {
      readonly kind: 'refused';
      readonly reason: string;
      /** Whether a seccomp filter restricts this process, as in most containers. */
      readonly isFiltered: boolean;
    };

/** The process outside. */
export interface Isolation {
  /** Tries to create namespaces; undefined if this succeeds. */
  obstacle(): Promise<IsolationObstacle | undefined>;
  /** Returns the ID of this process's network namespace. */
  network(): Promise<string>;
  /**
   * Creates an empty folder that only this user can enter.
   *
   * @throws Error with the system's `code`
   */
  makeFolder(): Promise<string>;
  /** Removes such a folder and its files; does not fail. */
  removeFolder(folder: string): Promise<void>;
  /** Returns the command that runs `program` in new namespaces, through InsideIsolation. */
  commandFor(socket: string, program: readonly string[]): readonly string[];
  /**
   * Prevents the system from giving the ID of a network namespace to another one.
   *
   * @returns undefined if no process in the namespace can be found
   */
  holdNetwork(network: string): Promise<HeldNetwork | undefined>;
}

export interface HeldNetwork {
  /** Kills the programs in the namespace, and then releases it. */
  endPrograms(): Promise<void>;
}

export interface IsolatedNetworkOptions {
  /** The IP addresses of the network interface, in text form. */
  readonly addresses: readonly string[];
  readonly mtu: number;
}

/** The process inside the namespaces, before it starts the program. */
export interface InsideIsolation extends Pick<Isolation, 'network' | 'removeFolder'> {
  /** Kills the programs of this process's network namespace, except this process. */
  endPrograms(network: string): Promise<void>;
  /**
   * Creates the only interface with a route to other hosts.
   *
   * @throws PacketInterfaceError, or Error with the system's `code`
   */
  openNetwork(options: IsolatedNetworkOptions): Promise<PacketInterface>;
  /**
   * Makes programs ask only this name server, and hides the sockets of the system's name services.
   *
   * @param folder a folder for temporary files
   * @returns false if the system does not have /etc/resolv.conf
   * @throws Error with the system's `code`
   */
  setNameServer(address: string, folder: string): Promise<boolean>;
  /**
   * Gives up all rights of this process in the namespaces. Programs may still ping.
   *
   * @throws Error with the system's `code`
   */
  dropRights(): Promise<void>;
}
