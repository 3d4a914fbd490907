/** Checks whether an address is free to listen on. */
import { createServer } from 'node:net';

/** Listens for a moment. Resolves with the system's error; undefined if the port is free. */
export function tryListen(host: string, port: number): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
