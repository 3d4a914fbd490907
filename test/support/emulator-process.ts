/** `arctun emulator` as a process, on free ports. */
import { ARCTUN, type Processes, type TestProcess } from './processes.js';

export interface EmulatorProcess {
  readonly process: TestProcess;
  readonly api: string;
  readonly arc: string;
  /** What `bootstrap authkey` needs in its environment. */
  readonly env: NodeJS.ProcessEnv;
  /** The API calls that were made, as `METHOD path`. */
  calls(): Promise<string[]>;
  messages(): Promise<Record<string, unknown>[]>;
}

export async function startEmulatorProcess(processes: Processes): Promise<EmulatorProcess> {
  const started = processes.start([
    process.execPath,
    ARCTUN,
    'emulator',
    '--api-listen',
    '127.0.0.1:0',
    '--arc-listen',
    '127.0.0.1:0',
    '--json',
  ]);
  const [line] = await started.output(/^\{.*\}$/m);
  const { api, arc, authKeyId, authKey } = JSON.parse(line) as Record<string, string>;
  const get = async (path: string) =>
    (await fetch(new URL(path, api))).json() as Promise<Record<string, unknown>[]>;
  return {
    process: started,
    api: api!,
    arc: arc!,
    env: { ARCTUN_ENDPOINT: api!, ARCTUN_AUTH_KEY_ID: authKeyId!, ARCTUN_AUTH_KEY: authKey! },
    calls: async () =>
      (await get('/emulator/requests')).map(
        ({ method, path }) => `${String(method)} ${String(path)}`,
      ),
    messages: () => get('/emulator/messages'),
  };
}
