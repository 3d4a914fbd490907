/** The composition root of the oclif commands. It provides all access to the operating system. */
import type { Credentials } from '../soracom/auth/sign-in.js';
import type { SoracomClient } from '../soracom/client/client.js';
import type { SoracomClientOptions } from '../soracom/client/options.js';
import { renderText } from './output/render.js';
import { createSystemContext, type SystemContext } from './system-context.js';
import { tunnelContext } from './tunnel-context.js';

/** The timeouts and retries of an API client that differ from the defaults. */
export type ClientPatience = Pick<SoracomClientOptions, 'timeoutMs' | 'mostRepeats'>;

export type Context = Readonly<ReturnType<typeof createContext>>;

export function createContext(version: string) {
  const system = createSystemContext(version);
  return {
    ...system,
    ...tunnelContext,
    soracomClients: (patience?: ClientPatience) => soracomClients(system, patience),
    /** Reads the SORACOM API's time, in Unix milliseconds, without credentials. */
    serverTime: async (endpoint: string, signal: AbortSignal) => {
      const { readServerTime } = await import('../soracom/client/server-time.js');
      return readServerTime(endpoint, system.userAgent, signal);
    },
  };
}

/** Returns a function that creates SORACOM API clients for given credentials. */
async function soracomClients(
  { userAgent, dump }: Pick<SystemContext, 'userAgent' | 'dump'>,
  patience: ClientPatience = {},
): Promise<(credentials: Credentials, signal?: AbortSignal) => SoracomClient> {
  const { SoracomClient } = await import('../soracom/client/client.js');
  return ({ endpoint, headers }, signal) =>
    new SoracomClient({
      endpoint,
      headers,
      userAgent,
      ...patience,
      onWait: (text) => void process.stderr.write(renderText(`${text}\n`)),
      ...(dump && { dump }),
      ...(signal && { signal }),
    });
}
