/** Real headless browsers, each with a fresh profile. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const BROWSERS = ['chromium', 'firefox-esr'] as const;

export type BrowserName = (typeof BROWSERS)[number];

/** Settings that stop Firefox from contacting Mozilla and from prompting the user. */
const FIREFOX_SETTINGS = {
  'app.normandy.enabled': false,
  'app.update.disabledForTesting': true,
  'browser.aboutwelcome.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'extensions.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,',
  'toolkit.telemetry.server': '',
};

export const CHROMIUM_FLAGS = [
  '--headless',
  // Chromium's sandbox refuses to run as root.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export class Browser {
  readonly #process: ChildProcess;
  readonly #profile: string;

  /** @param localName a host name that the browser resolves to 127.0.0.1 */
  constructor(name: BrowserName, url: string, localName: string) {
    this.#profile = mkdtempSync(join(tmpdir(), 'arctun-browser-'));
    const words =
      name === 'chromium'
        ? chromiumWords(this.#profile, localName)
        : firefoxWords(this.#profile, localName);
    this.#process = spawn(name, [...words, url], {
      // A separate process group, because a browser has many processes.
      detached: true,
      stdio: 'ignore',
      env: { ...process.env, HOME: this.#profile },
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
}

function chromiumWords(profile: string, localName: string): string[] {
  return [
    ...CHROMIUM_FLAGS,
    `--user-data-dir=${profile}`,
    `--host-resolver-rules=MAP ${localName} 127.0.0.1`,
  ];
}

function firefoxWords(profile: string, localName: string): string[] {
  const settings = { ...FIREFOX_SETTINGS, 'network.dns.localDomains': localName };
  const lines = Object.entries(settings).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  );
  writeFileSync(join(profile, 'user.js'), lines.join(''));
  return ['--headless', '--no-remote', '--profile', profile];
}
