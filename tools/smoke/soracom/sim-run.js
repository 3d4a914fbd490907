/**
 * What the steps of one run share: the virtual SIM, its files, and the commands that use it. The
 * files are in a folder with a fixed name, so that the next run finds the SIM of a killed run.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import { quote } from 'shell-quote';

import { Command, runCommand } from '../commands.js';
import { Redaction } from '../redaction.js';

const ARCTUN = fileURLToPath(new URL('../../../bin/run.js', import.meta.url));

/** The tag of each SIM that a run creates, and the beginning of the SIM's name. */
export const TAG = 'arctun-smoke';

/** In the working folder. It contains the key of the SIM until the SIM is terminated. */
const FOLDER = 'arctun-smoke';

/** The file in the folder that contains the process ID of the run. */
const CLAIM = 'pid';

/** These variables would change what the commands do, so that runs could not be compared. */
const KEPT_VARIABLES = /^ARCTUN_(ENDPOINT|COVERAGE_TYPE|AUTH_KEY.*|PROFILE)$/;

export class SimRun {
  /** Known after the SIM was created, until it is terminated. */
  simId = '';
  /** Whether a command may be creating the SIM. */
  isCreating = false;
  /** The host of the SORACOM API, as far as known. */
  apiHost = '';
  /** @type {import('../../../src/index.js').UserspaceTunnel | undefined} */
  tunnel;
  handshakes = 0;
  /**
   * The connections to the Unified Endpoint.
   *
   * @type {{ http?: import('./idle-connection.js').IdleWatch, tcp?: import('./idle-connection.js').IdleWatch }}
   */
  idle = {};
  /**
   * How the idle HTTP connection ended, as far as measured.
   *
   * @type {import('./idle-connection.js').IdleEnd | undefined}
   */
  idleEnd;
  redaction = new Redaction();
  #environment;

  /**
   * @param {object} options
   * @param {import('./settings.js').Settings} options.settings
   * @param {string} options.workingFolder
   * @param {string} options.startedAt a time that can be part of a file name
   */
  constructor({ settings, workingFolder, startedAt }) {
    this.settings = settings;
    this.startedAt = startedAt;
    this.folder = join(workingFolder, FOLDER);
    this.config = join(this.folder, 'arc.json');
    this.stateFolder = join(this.folder, 'state');
    const others = Object.entries(process.env).filter(
      ([name]) => !name.startsWith('ARCTUN_') || KEPT_VARIABLES.test(name),
    );
    this.#environment = { ...Object.fromEntries(others), STATE_DIRECTORY: this.stateFolder };
    this.#hideCredentials();
  }

  /** Creates the folder for the files. */
  prepare() {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    chmodSync(this.folder, 0o700);
  }

  /**
   * Whether the folder belongs to a SIM: one with an arc.json, or one whose creation was interrupted.
   *
   * @returns {'sim' | 'interrupted' | undefined}
   */
  get leftover() {
    if (existsSync(this.config)) return 'sim';
    const isInterrupted = existsSync(join(this.folder, '.arc.json.bootstrap')) || this.#hasRescue();
    return isInterrupted ? 'interrupted' : undefined;
  }

  /** Whether bootstrap has saved a key in the state folder, because it could not write arc.json. */
  #hasRescue() {
    if (!existsSync(this.stateFolder)) return false;
    return readdirSync(this.stateFolder).some((name) => name.endsWith('.rescue'));
  }

  /**
   * Claims the folder for this process.
   *
   * @returns {number | undefined} the process that already uses the folder
   */
  claim() {
    const path = join(this.folder, CLAIM);
    for (;;) {
      try {
        // Fails if the file exists, so that of two runs that start together, only one continues.
        writeFileSync(path, String(process.pid), { flag: 'wx' });
        return undefined;
      } catch (error) {
        if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
      }
      const pid = existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0;
      if (pid > 0 && pid !== process.pid && isRunning(pid)) return pid;
      // A run that was killed has left the file.
      rmSync(path, { force: true });
    }
  }

  /** Forgets the SIM, which is terminated, and deletes the folder with its key. */
  forget() {
    this.simId = '';
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Forgets the terminated SIM of an earlier run, but keeps the folder and the claim on it. */
  forgetEarlier() {
    this.simId = '';
    for (const name of readdirSync(this.folder))
      if (name !== CLAIM) rmSync(join(this.folder, name), { recursive: true, force: true });
  }

  /**
   * Runs an arctun command on this SIM's configuration.
   *
   * @param {readonly string[]} parameters
   * @param {import('../commands.js').CommandOptions} [options]
   */
  arctun(parameters, { env, ...options } = {}) {
    const name = `arctun ${parameters.slice(0, 2).join(' ')}`;
    return runCommand(this.#command(parameters), {
      name,
      env: { ...this.#environment, ...env },
      ...options,
    });
  }

  /** Like arctun(), for a command that signs in. */
  signedIn(parameters, options) {
    return this.arctun([...parameters, ...this.settings.credentialFlags], options);
  }

  /** Starts an arctun command that runs until it is stopped. */
  start(parameters) {
    return new Command(this.#command(parameters), { env: this.#environment, leashed: true });
  }

  #command(parameters) {
    return [process.execPath, ARCTUN, ...parameters, '--config', this.config];
  }

  /** Returns the command that terminates the SIM, without secrets, as a line for a shell. */
  get terminateCommand() {
    const program = relative(process.cwd(), ARCTUN);
    const { shownFlags } = this.settings;
    return quote(['node', program, 'sim', 'terminate', this.simId, '--yes', ...shownFlags]);
  }

  /** Returns what to do with the SIM if the run ends now; undefined if no SIM can exist. */
  get remains() {
    // A command may have finished the creation.
    if (this.simId === '' && this.leftover === 'sim') this.#tryReadConfig();
    if (this.simId !== '') {
      return `The virtual SIM ${this.simId} may still be billed. Terminate it:\n  ${this.terminateCommand}`;
    }
    if (!this.isCreating && this.leftover === undefined) return undefined;
    return `SORACOM may have created a virtual SIM, which it bills.\n${this.howToFinish}`;
  }

  /** How to terminate a SIM whose creation was interrupted. */
  get howToFinish() {
    return `The folder ${this.folder} belongs to it. Run the test again in the same folder.`;
  }

  #tryReadConfig() {
    try {
      this.readConfig();
    } catch {
      // The next run reports an invalid file.
    }
  }

  /** Reads arc.json, remembers its SIM, and hides its values in the report. */
  readConfig() {
    if (!existsSync(this.config)) return undefined;
    const content = JSON.parse(readFileSync(this.config, 'utf8'));
    const session = content.arcSessionStatus ?? {};
    this.simId = content.simId ?? this.simId;
    this.redaction.add('SIM ID', content.simId);
    this.redaction.add('private key', content.privateKey);
    this.redaction.add('public key', content.publicKey);
    this.redaction.add('server key', session.arcServerPeerPublicKey);
    this.redaction.add('address of the SIM', session.arcClientPeerIpAddress);
    return content;
  }

  #hideCredentials() {
    const { env } = process;
    for (const name of Object.keys(env)) {
      if (!/^(ARCTUN|SORACOM)_(AUTH_KEY|AUTH_KEY_ID|PROFILE)$/.test(name)) continue;
      this.redaction.add(name.endsWith('PROFILE') ? 'profile' : 'auth key', env[name]);
    }
    const { authKey, group, credentialFlags } = this.settings;
    this.redaction.add('auth key', authKey);
    this.redaction.add('group ID', group);
    for (const name of ['auth-key-id', 'auth-key-file', 'profile']) {
      const index = credentialFlags.indexOf(`--${name}`);
      if (index >= 0) this.redaction.add(name, credentialFlags[index + 1]);
    }
  }
}

/** @param {number} pid */
function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}
