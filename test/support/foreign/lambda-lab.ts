/** SORACOM's emulator on this machine, virtual SIMs, and functions with the extension. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ourArcServer } from '../pairs/arc-servers.js';
import type { EmulatorProcess } from '../emulator-process.js';
import { LambdaSandbox, nodeFunction, type SandboxOptions } from '../lambda/main.js';
import { ARCTUN, Processes, REPOSITORY } from '../processes.js';

/** Built by `npm run build:executable`. */
const PROGRAM = `${REPOSITORY}dist/executable/extension.cjs`;

export interface LabOptions extends Partial<SandboxOptions> {
  /** The extension's settings; the port is a free one unless set here. */
  readonly settings?: Readonly<Record<string, string>>;
}

export class LambdaLab {
  readonly processes = new Processes();
  readonly folder = mkdtempSync(join(tmpdir(), 'arctun-lambda-lab-'));
  readonly arcJson = join(this.folder, 'arc.json');
  /** The extension as in the thin layer, with this Node as its interpreter. */
  readonly extension = join(this.folder, 'arctun');
  /** The extension exactly as in the thin layer, for a sandbox with a private root. */
  readonly thinExtension = join(this.folder, 'thin');
  readonly #sandboxes: LambdaSandbox[] = [];
  #closeServer: () => void = () => undefined;
  platform!: EmulatorProcess;

  async start(startServer = ourArcServer): Promise<void> {
    const program = readFileSync(PROGRAM, 'utf8');
    writeFileSync(this.extension, `#!${process.execPath}\n${program}`, { mode: 0o755 });
    writeFileSync(this.thinExtension, `#!/var/lang/bin/node\n${program}`, { mode: 0o755 });
    ({ emulator: this.platform, close: this.#closeServer } = await startServer(this.processes));
    await this.createSim(this.arcJson);
  }

  async createSim(path: string): Promise<void> {
    const command = [process.execPath, ARCTUN, 'bootstrap', 'authkey', '--config', path];
    const { code, stderr } = await this.processes.run(command, { env: this.platform.env });
    if (code !== 0) throw new Error(stderr);
  }

  /** Starts a sandbox, and its init, with a function that posts each event. */
  async sandbox({ settings = {}, env = {}, ...options }: LabOptions = {}): Promise<LambdaSandbox> {
    const port = settings.ARCTUN_LAMBDA_PORT ?? String(await freePort());
    const sandbox = await LambdaSandbox.start({
      extensions: [{ name: 'arctun', file: this.extension }],
      ...nodeFunction('message'),
      // Generous limits, because a busy machine is slow.
      timeoutMs: 20_000,
      initLimitMs: 30_000,
      shutdownLimitMs: 20_000,
      env: {
        ARCTUN_CONFIG: this.arcJson,
        ARCTUN_LAMBDA_PORT: port,
        MESSAGE_PORT: port,
        ...settings,
        ...env,
      },
      ...options,
    });
    this.#sandboxes.push(sandbox);
    return sandbox;
  }

  /**
   * Writes an arc.json with changed members in its session or at its top level, based on the file
   * of this name if it exists, otherwise on the lab's.
   */
  variant(
    name: string,
    { session = {}, ...members }: { readonly session?: object; readonly [name: string]: unknown },
  ): string {
    const path = join(this.folder, `${name}.json`);
    const original = existsSync(path) ? path : this.arcJson;
    const config = JSON.parse(readFileSync(original, 'utf8')) as { arcSessionStatus: object };
    const arcSessionStatus = { ...config.arcSessionStatus, ...session };
    writeFileSync(path, JSON.stringify({ ...config, arcSessionStatus, ...members }));
    return path;
  }

  /** The parsed message bodies that SORACOM's emulator has received. */
  async messages(): Promise<unknown[]> {
    const messages = await this.platform.messages();
    return messages.map(({ body }) => parsed(String(body)));
  }

  /** Creates a folder for one test. */
  subfolder(name: string): string {
    const path = join(this.folder, name);
    mkdirSync(path);
    return path;
  }

  async closeSandboxes(): Promise<void> {
    await Promise.all(this.#sandboxes.splice(0).map((sandbox) => sandbox.close()));
  }

  async close(): Promise<void> {
    await this.closeSandboxes();
    await this.processes.close();
    this.#closeServer();
    rmSync(this.folder, { recursive: true });
  }
}

/** Parses a handler's return value: the extension's HTTP response. */
export function answerOf(response: string | undefined): { statusCode: number; body: string } {
  return JSON.parse(response ?? 'null') as { statusCode: number; body: string };
}

/** The extension's log lines with this message. */
export function logged(sandbox: LambdaSandbox, message: RegExp): Record<string, unknown>[] {
  return sandbox
    .output('arctun')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ msg }) => message.test(String(msg)));
}

/**
 * A port that seems free on both loopback addresses; another process may take it in the meantime.
 */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
