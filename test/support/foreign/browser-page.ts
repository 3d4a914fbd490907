/**
 * A page in headless Chromium, controlled through the Chrome DevTools Protocol. The protocol uses
 * two pipes, so no port is open.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

import { until } from '../until.js';
import { CHROMIUM_FLAGS } from './browser.js';

interface Reply {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

interface Viewport {
  readonly width: number;
  readonly height: number;
  readonly scheme: 'light' | 'dark';
}

export class BrowserPage {
  /** Errors and warnings on the console, uncaught exceptions, and failed requests. */
  readonly problems: string[] = [];
  /** The URLs of all requests. */
  readonly requests: string[] = [];
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #session = '';
  #count = 0;
  #unread = '';

  private constructor() {
    this.#profile = mkdtempSync(join(tmpdir(), 'arctun-browser-'));
    this.#process = spawn(
      'chromium',
      [
        ...CHROMIUM_FLAGS,
        `--user-data-dir=${this.#profile}`,
        '--hide-scrollbars',
        '--remote-debugging-pipe',
        'about:blank',
      ],
      {
        // A separate process group, because a browser has many processes.
        detached: true,
        stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
        env: { ...process.env, HOME: this.#profile, TZ: 'Asia/Tokyo' },
      },
    );
    // Killing the browser resets the pipes.
    for (const pipe of this.#process.stdio) pipe?.on('error', () => undefined);
    (this.#process.stdio[4] as Readable)
      .setEncoding('utf8')
      .on('data', (text: string) => this.#read(text));
  }

  static async open(): Promise<BrowserPage> {
    const page = new BrowserPage();
    const { targetInfos } = await page.#call('Target.getTargets');
    const [target] = (targetInfos as { targetId: string; type: string }[]).filter(
      ({ type }) => type === 'page',
    );
    const { targetId } =
      target ?? (await page.#call('Target.createTarget', { url: 'about:blank' }));
    const attached = await page.#call('Target.attachToTarget', { targetId, flatten: true });
    page.#session = String(attached.sessionId);
    for (const domain of ['Page', 'Runtime', 'Log', 'Network'])
      await page.#call(`${domain}.enable`);
    return page;
  }

  async visit(url: string): Promise<void> {
    await this.#call('Page.navigate', { url });
    const isLoaded = `document.readyState === 'complete' && location.href !== 'about:blank'`;
    await until(() => this.run<boolean>(isLoaded), { what: `${url} is loaded` });
  }

  async setViewport({ width, height, scheme }: Viewport): Promise<void> {
    await this.#call('Emulation.setDeviceMetricsOverride', {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: false,
    });
    const features = [{ name: 'prefers-color-scheme', value: scheme }];
    await this.#call('Emulation.setEmulatedMedia', { features });
  }

  /** Evaluates an expression in the page, and waits for its promise. */
  async run<T>(expression: string): Promise<T> {
    const options = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.#call('Runtime.evaluate', options);
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { value: T }).value;
  }

  /** Presses a key, such as `Tab` or `Enter`. */
  async press(key: 'Tab' | 'Enter' | 'ArrowDown'): Promise<void> {
    const code = { Tab: 9, Enter: 13, ArrowDown: 40 }[key];
    const event = {
      key,
      code: key,
      windowsVirtualKeyCode: code,
      ...(key === 'Enter' && { text: '\r' }),
    };
    await this.#call('Input.dispatchKeyEvent', { type: 'keyDown', ...event });
    await this.#call('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
  }

  /** Types text into the element that has the focus. */
  async type(text: string): Promise<void> {
    await this.#call('Input.insertText', { text });
  }

  /** Returns a screenshot of the whole page as PNG. */
  async screenshot(): Promise<Buffer> {
    const { data } = await this.#call('Page.captureScreenshot', { captureBeyondViewport: true });
    return Buffer.from(String(data), 'base64');
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

  async #call(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = ++this.#count;
    const sessionId = this.#session === '' ? {} : { sessionId: this.#session };
    const replied = new Promise<Reply>((resolve) => this.#waiting.set(id, resolve));
    (this.#process.stdio[3] as Writable).write(
      `${JSON.stringify({ id, method, params, ...sessionId })}\0`,
    );
    const { result = {}, error } = await replied;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  #read(text: string): void {
    const messages = (this.#unread + text).split('\0');
    this.#unread = messages.pop() ?? '';
    for (const message of messages) this.#handle(JSON.parse(message) as Reply);
  }

  #handle(reply: Reply): void {
    const { id, method, params = {} } = reply;
    if (id !== undefined) {
      this.#waiting.get(id)?.(reply);
      this.#waiting.delete(id);
      return;
    }
    if (method === 'Network.requestWillBeSent') {
      this.requests.push((params.request as { url: string }).url);
    }
    const isProblem =
      method === 'Runtime.exceptionThrown' ||
      method === 'Log.entryAdded' ||
      method === 'Runtime.consoleAPICalled';
    if (isProblem) this.problems.push(JSON.stringify(params));
  }
}
