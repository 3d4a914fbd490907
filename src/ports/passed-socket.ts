/** A listening socket that the service manager opened and passed to this process. */
export interface PassedSocket {
  /** The descriptor, which the listener that uses it closes. */
  readonly fd: number;
  /** The name from the service manager: FileDescriptorName= in systemd. */
  readonly name: string;
  /** The path of a Unix socket; undefined for other sockets, and if the path is unknown. */
  readonly path: string | undefined;
}
