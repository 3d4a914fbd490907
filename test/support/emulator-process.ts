/** Runs `arctun emulator` as a process on free ports. */
import { ARCTUN, type Processes, type TestProcess } from './processes.js';

export interface EmulatorProcess {
  readonly process: TestProcess;
  /** The base URL of the API, without the version, and of Krypton. */
  readonly api: string;
  /** The base URL of the metadata service as it would be on a cellular line. */
  readonly metadata: string;
  readonly arc: string;
  /** The environment that `bootstrap authkey` needs. */
  readonly env: NodeJS.ProcessEnv;
  /** The same environment for a user who has only Sim:createSim and Sim:createArcSession. */
  readonly minimalEnv: NodeJS.ProcessEnv;
  /** Returns the API calls so far, as `METHOD path`. */
  calls(): Promise<string[]>;
  /** Returns the API calls so far, with status, user and headers. */
  requests(): Promise<EmulatedRequest[]>;
  messages(): Promise<Record<string, unknown>[]>;
  /** Returns each virtual SIM ever created, including terminated ones. */
  sims(): Promise<EmulatedSim[]>;
  /** Makes the next calls fail as `fault` says (docs/reference/commands/emulator.md). */
  fault(fault: EmulatedFault): Promise<void>;
  clearFaults(): Promise<void>;
  /** Changes the Arc side as SORACOM does on its own (docs/reference/commands/emulator.md). */
  changeArc(
    change: { readonly serverKey: 'new' } | { readonly simId: string; readonly address: string },
  ): Promise<void>;
  /** Adds a user who can sign in. */
  addUser(user: EmulatedUser): Promise<void>;
  /** Disables the termination protection and terminates the SIM. */
  terminate(simId: string): Promise<void>;
  /** Calls the API with all permissions; returns the status and body. */
  call(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }>;
}

export interface EmulatedRequest {
  readonly method: string;
  readonly path: string;
  /** 0 if a fault cut the connection. */
  readonly status: number;
  readonly user?: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface EmulatedSim {
  readonly simId: string;
  readonly type: 'virtual' | 'uicc';
  readonly operatorId: string;
  readonly imsi: string;
  readonly status: 'active' | 'terminated';
  readonly billed: boolean;
  readonly online: boolean;
  readonly terminationEnabled: boolean;
  readonly createdTime: number;
  readonly groupId?: string;
  readonly tags: Readonly<Record<string, string>>;
  /** In base64, as in arc.json. */
  readonly publicKey: string;
  readonly address: string;
}

export interface EmulatedFault {
  readonly operation?: string;
  readonly path?: string;
  readonly method?: string;
  readonly times?: number;
  readonly status?: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly retryAfter?: number | string;
  readonly delayMs?: number;
  readonly cut?: 'before' | 'after' | 'within';
  readonly garbage?: boolean;
  readonly carryOut?: boolean;
}

export interface EmulatedUser {
  readonly authKeyId?: string;
  readonly authKey?: string;
  readonly email?: string;
  readonly password?: string;
  readonly operatorId?: string;
  readonly userName?: string;
  readonly mfaOTPCode?: string;
  readonly permissions: readonly string[];
  readonly switchTo?: readonly { readonly operatorId: string; readonly userName: string }[];
}

/** @param parameters arguments in addition to the listen addresses */
export async function startEmulatorProcess(
  processes: Processes,
  parameters: readonly string[] = [],
): Promise<EmulatorProcess> {
  const started = processes.start([
    process.execPath,
    ARCTUN,
    'emulator',
    '--api-listen',
    '127.0.0.1:0',
    '--arc-listen',
    '127.0.0.1:0',
    '--json',
    ...parameters,
  ]);
  return emulatorAt(started);
}

/** @param started a process with the output of `arctun emulator --json` */
export async function emulatorAt(started: TestProcess): Promise<EmulatorProcess> {
  const [line] = await started.output(/^\{.*\}$/m);
  const ready = JSON.parse(line) as Record<
    'api' | 'metadata' | 'arc' | 'authKeyId' | 'authKey',
    string
  >;
  const { api, metadata, arc, authKeyId, authKey } = ready;
  const env = (id: string, key: string): NodeJS.ProcessEnv => ({
    ARCTUN_ENDPOINT: api,
    ARCTUN_AUTH_KEY_ID: id,
    ARCTUN_AUTH_KEY: key,
  });
  const own = new OwnPaths(api);
  const call = async (method: string, path: string, body?: unknown) =>
    own.call(method, path, body, await own.logIn({ authKeyId, authKey }));
  return {
    process: started,
    api,
    metadata,
    arc,
    env: env(authKeyId, authKey),
    minimalEnv: env('keyId-minimal', 'secret-minimal'),
    calls: async () =>
      (await own.get<EmulatedRequest[]>('requests')).map(({ method, path }) => `${method} ${path}`),
    requests: () => own.get('requests'),
    messages: () => own.get('messages'),
    sims: () => own.get('sims'),
    fault: (fault) => own.change('POST', 'faults', fault),
    clearFaults: () => own.change('DELETE', 'faults'),
    changeArc: (change) => own.change('POST', 'arc', change),
    addUser: (user) => own.change('POST', 'users', user),
    terminate: async (simId) => {
      await call('POST', `/sims/${simId}/enable_termination`);
      const { status, body } = await call('POST', `/sims/${simId}/terminate`);
      if (status !== 200) throw new Error(`terminate: ${status} ${JSON.stringify(body)}`);
    },
    call,
  };
}

/** A client for the emulator's own HTTP paths. */
class OwnPaths {
  readonly #api: string;

  constructor(api: string) {
    this.#api = api;
  }

  async get<T>(name: string): Promise<T> {
    return (await fetch(`${this.#api}/emulator/${name}`)).json() as Promise<T>;
  }

  /** @throws Error with the emulator's reason */
  async change(method: string, name: string, body?: object): Promise<void> {
    const { status, body: answer } = await this.#fetch(method, `/emulator/${name}`, body, {});
    if (status >= 300) throw new Error(`${method} ${name}: ${status} ${JSON.stringify(answer)}`);
  }

  async logIn(credentials: object): Promise<Record<string, string>> {
    const { body } = await this.call('POST', '/auth', credentials, {});
    const { apiKey, token } = body as { apiKey: string; token: string };
    return { 'X-Soracom-API-Key': apiKey, 'X-Soracom-Token': token };
  }

  call(method: string, path: string, body: unknown, headers: Record<string, string>) {
    return this.#fetch(method, `/v1${path}`, body, headers);
  }

  async #fetch(
    method: string,
    path: string,
    body: unknown,
    headers: Record<string, string>,
  ): Promise<{ status: number; body: unknown }> {
    const response = await fetch(this.#api + path, {
      method,
      headers: { 'Content-Type': 'application/json', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  }
}
