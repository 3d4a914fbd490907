/** The API on a free port, and the state that a test inspects. */
import type { ApiRequest } from '../../../src/emulator/api/request-log.js';
import { type ApiServer, createApiServer } from '../../../src/emulator/api/server.js';
import { MessageStore } from '../../../src/emulator/messages.js';
import type { BrowserPolicy } from '../../../src/proxy/http/browser-check.js';
import { Secret } from '../../../src/lib/secrets/secret.js';
import { PlatformState } from '../../../src/emulator/platform-state.js';
import type { EmulatorUser } from '../../../src/emulator/users.js';
import { fakeCrypto, FakeArcNetwork, FakeWallClock, seededEntropy } from '../fakes.js';

export const ADMIN = { authKeyId: 'keyId-emulator', authKey: 'secret-emulator' };
export const CREATE = { type: 'virtual', subscription: 'planArc01' };
export const UNKNOWN_SIM = '/v1/sims/8942300000000000001';

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** An empty object for an empty answer. */
  readonly body: Record<string, unknown>;
}

/** An auth key `keyId-NAME`/`secret-NAME` with these permissions. */
export function user(name: string, ...permissions: string[]): EmulatorUser {
  return { authKeyId: `keyId-${name}`, authKey: `secret-${name}`, permissions };
}

export function keyOf(name: string): object {
  return { authKeyId: `keyId-${name}`, authKey: `secret-${name}` };
}

export const code = ({ status, body }: Reply) => [status, body.code];

export class ApiHarness {
  readonly wallClock = new FakeWallClock();
  readonly arc = new FakeArcNetwork();
  readonly messages = new MessageStore();
  readonly calls: ApiRequest[] = [];
  readonly state: PlatformState;
  base = '';
  port = 0;
  saves = 0;
  /** Called for each logged call. */
  onCall: () => void = () => undefined;
  saveError: Error | undefined;
  #server: ApiServer | undefined;

  constructor(users: readonly EmulatorUser[] = []) {
    this.state = new PlatformState({
      crypto: fakeCrypto,
      entropy: seededEntropy(),
      wallClock: this.wallClock,
      arc: this.arc,
      users: [{ ...ADMIN, permissions: ['*'] }, ...users],
    });
  }

  async open(): Promise<this> {
    this.#server = await this.createServer();
    const { port } = await this.#server.listen('127.0.0.1', 0);
    this.port = port;
    this.base = `http://127.0.0.1:${port}`;
    return this;
  }

  createServer(browsers?: BrowserPolicy): Promise<ApiServer> {
    const { state, messages, wallClock, arc } = this;
    return createApiServer({
      state,
      arcServer: {
        get publicKey() {
          return arc.publicKey;
        },
        endpoint: '127.0.0.1:11010',
      },
      renewServerKey: () => state.sims.setServerKey(new Secret(new Uint8Array(32).fill(7))),
      messages,
      network: arc,
      wallClock,
      ...(browsers && { browsers }),
      onRequest: (call) => {
        this.calls.push(call);
        this.onCall();
      },
      saveState: () => {
        this.saves++;
        return this.saveError ? Promise.reject(this.saveError) : Promise.resolve();
      },
    });
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }

  async request(method: string, path: string, init: RequestInit = {}): Promise<Reply> {
    const response = await fetch(this.base + path, { method, ...init });
    const text = await response.text();
    const isJson = response.headers.get('content-type') === 'application/json';
    const body = (isJson ? JSON.parse(text) : {}) as Record<string, unknown>;
    return { status: response.status, headers: response.headers, text, body };
  }

  send(method: string, path: string, body: unknown, headers: object = {}): Promise<Reply> {
    return this.request(method, path, {
      headers: { 'Content-Type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  }

  post(path: string, body: unknown, headers: object = {}): Promise<Reply> {
    return this.send('POST', path, body, headers);
  }

  /** The headers of a call by the user who has these credentials. */
  async logIn(credentials: object = ADMIN): Promise<Record<string, string>> {
    const { body } = await this.post('/v1/auth', credentials);
    return { 'X-Soracom-API-Key': String(body.apiKey), 'X-Soracom-Token': String(body.token) };
  }

  /** @returns its ID */
  async createSim(credentials: object = ADMIN): Promise<string> {
    const { body } = await this.post('/v1/sims', CREATE, await this.logIn(credentials));
    return String(body.simId);
  }
}
