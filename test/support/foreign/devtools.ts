/** Headless Chromium with several pages, controlled over the DevTools protocol. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

import { until } from '../until.js';
import { CHROMIUM_FLAGS } from './browser.js';

export interface PageOptions {
  readonly width: number;
  readonly height: number;
  readonly scheme: 'light' | 'dark';
}

const KEY_CODES = { Tab: 9, Enter: 13, ArrowDown: 40 } as const;

type Parameters = Readonly<Record<string, unknown>>;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Parameters;
  readonly sessionId?: string;
  readonly result?: Parameters;
  readonly error?: { readonly message: string };
}

export class DevTools {
  readonly #process: ChildProcess;
  readonly #profile = mkdtempSync(join(tmpdir(), 'arctun-devtools-'));
  readonly #waiting = new Map<number, (message: Message) => void>();
  readonly #pages = new Map<string, DevToolsPage>();
  #last = 0;
  #rest = '';

  /** @param within a command that runs Chromium, such as one that enters a network namespace */
  constructor(within: readonly string[] = []) {
    const [program, ...words] = [
      ...within,
      'chromium',
      ...CHROMIUM_FLAGS,
      `--user-data-dir=${this.#profile}`,
      // Otherwise, Chromium itself sends queries to the name server.
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
      '--hide-scrollbars',
      '--remote-debugging-pipe',
    ];
    this.#process = spawn(program, words, {
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
      // A time zone far from UTC shows which times are local.
      env: { ...process.env, HOME: this.#profile, TZ: 'Asia/Tokyo' },
    });
    // Killing the browser resets the pipes.
    for (const pipe of this.#process.stdio) pipe?.on('error', () => undefined);
    const input = this.#process.stdio[4] as Readable;
    input.setEncoding('utf8');
    input.on('data', (text: string) => this.#read(text));
  }

  /** Opens a tab of its own, and resolves when the page is loaded. */
  async open(url: string, look: PageOptions): Promise<DevToolsPage> {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
    const attached = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const sessionId = attached.sessionId as string;
    const page = new DevToolsPage((method, params) => this.send(method, params, sessionId));
    this.#pages.set(sessionId, page);
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await page.send(`${domain}.enable`);
    await page.look(look);
    await page.visit(url);
    return page;
  }

  send(method: string, params: Parameters = {}, sessionId?: string): Promise<Parameters> {
    const id = ++this.#last;
    const output = this.#process.stdio[3] as Writable;
    output.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) => {
        if (error === undefined) resolve(result ?? {});
        else reject(new Error(`${method}: ${error.message}`));
      });
    });
  }

  async close(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#process;
    if (pid !== undefined && exitCode === null && signalCode === null) {
      const exited = once(this.#process, 'exit');
      process.kill(-pid, 'SIGKILL');
      await exited;
    }
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  #read(text: string): void {
    const messages = (this.#rest + text).split('\0');
    this.#rest = messages.pop() ?? '';
    for (const one of messages) {
      const message = JSON.parse(one) as Message;
      if (message.id === undefined) this.#pages.get(message.sessionId ?? '')?.handle(message);
      else this.#waiting.get(message.id)?.(message);
    }
  }
}

export class DevToolsPage {
  /** The errors and warnings in the console, and uncaught exceptions. */
  readonly errors: string[] = [];
  /** The URLs that the page has requested. */
  readonly requests: string[] = [];
  readonly send: (method: string, params?: Parameters) => Promise<Parameters>;

  constructor(send: (method: string, params?: Parameters) => Promise<Parameters>) {
    this.send = send;
  }

  handle({ method, params = {} }: Message): void {
    const noted = ['Log.entryAdded', 'Runtime.consoleAPICalled', 'Runtime.exceptionThrown'];
    if (noted.includes(method ?? '')) this.errors.push(JSON.stringify(params));
    if (method !== 'Network.requestWillBeSent') return;
    this.requests.push((params.request as { readonly url: string }).url);
  }

  async look({ width, height, scheme }: PageOptions): Promise<void> {
    const size = { width, height, deviceScaleFactor: 1, mobile: false };
    await this.send('Emulation.setDeviceMetricsOverride', size);
    const features = [{ name: 'prefers-color-scheme', value: scheme }];
    await this.send('Emulation.setEmulatedMedia', { features });
  }

  async visit(url: string): Promise<void> {
    await this.send('Page.navigate', { url });
    const here = JSON.stringify(new URL(url).href);
    await this.until(`document.readyState === 'complete' && location.href === ${here}`);
  }

  async evaluate(expression: string): Promise<unknown> {
    const options = { expression, returnByValue: true, awaitPromise: true };
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', options);
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { readonly value?: unknown }).value;
  }

  /** Resolves when the expression is true. */
  async until(expression: string): Promise<void> {
    const turn = () => new Promise((resolve) => setTimeout(resolve, 50));
    await until(async () => (await this.evaluate(expression)) === true, { what: expression, turn });
  }

  async press(key: keyof typeof KEY_CODES): Promise<void> {
    const text = key === 'Enter' ? { text: '\r' } : {};
    const event = { key, code: key, windowsVirtualKeyCode: KEY_CODES[key], ...text };
    await this.send('Input.dispatchKeyEvent', { type: 'keyDown', ...event });
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
  }

  /** Types text into the element that has the focus. */
  async type(text: string): Promise<void> {
    await this.send('Input.insertText', { text });
  }

  async screenshot(path: string): Promise<void> {
    const options = { format: 'png', captureBeyondViewport: true };
    // A hidden tab draws nothing unless it changes.
    await this.send('Page.bringToFront');
    const { data } = await this.send('Page.captureScreenshot', options);
    writeFileSync(path, Buffer.from(data as string, 'base64'));
  }
}
