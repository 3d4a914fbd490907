/** What the steps of one run share: the function and the layer on AWS, and the AWS CLI. */
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { zipSync } from 'fflate';

import { runCommand } from '../commands.js';
import { Redaction } from '../redaction.js';
import { RefusedError } from '../smoke-test.js';

/** The name of the function and the layer. It is fixed, so that the next run finds those of a killed run. */
export const NAME = 'arctun-smoke';

const HANDLER = new URL('../../../deploy/lambda/function/index.mjs', import.meta.url);

const PACKAGE = 'function.zip';

/** Unix permissions of the files in the function's package: the extension runs as another user. */
const READABLE = 0o100644 << 16;
const UNIX = 3;

export class FunctionRun {
  redaction = new Redaction();
  /** Whether something may exist on AWS. */
  mayRemain = false;
  /** @type {string | undefined} */
  layerArn;
  isCreated = false;
  #folder;

  /**
   * @param {import('./settings.js').Settings} settings
   * @throws {RefusedError} if a file cannot be used
   */
  constructor(settings) {
    this.settings = settings;
    const { config, layer, role } = settings;
    if (!existsSync(layer)) {
      throw new RefusedError(`cannot find the layer ${layer}`, 'Run: npm run package layers');
    }
    this.arcJson = readConfig(config);
    const { arcSessionStatus: session = {}, ...others } = JSON.parse(this.arcJson);
    for (const value of Object.values({ ...others, ...session }))
      this.redaction.add('arc.json', value);
    this.redaction.add('role', role);
    this.redaction.add('role', role.slice(role.lastIndexOf('/') + 1));
  }

  /** The size of the layer in bytes. */
  get layerSize() {
    return statSync(this.settings.layer).size;
  }

  /** Writes the package of the function, which contains the key of the SIM. */
  writePackage() {
    this.#folder ??= mkdtempSync(join(tmpdir(), 'arctun-smoke-'));
    const path = join(this.#folder, PACKAGE);
    const entry = (bytes) => [bytes, { os: UNIX, attrs: READABLE }];
    const files = {
      'index.mjs': entry(readFileSync(HANDLER)),
      'arc.json': entry(Buffer.from(this.arcJson)),
    };
    writeFileSync(path, zipSync(files), { mode: 0o600 });
    chmodSync(path, 0o600);
    return path;
  }

  /** Deletes the package. It is needed only for the creation of the function. */
  deletePackage() {
    if (this.#folder !== undefined) rmSync(join(this.#folder, PACKAGE), { force: true });
  }

  /** A file for the answer of the function. */
  get answerPath() {
    this.#folder ??= mkdtempSync(join(tmpdir(), 'arctun-smoke-'));
    return join(this.#folder, 'answer.json');
  }

  /** Deletes the local files. */
  forget() {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }

  /**
   * Runs `aws`, and returns its output.
   *
   * @param {readonly string[]} parameters
   * @param {AbortSignal} signal
   * @returns {Promise<any>} the value of the JSON; undefined if there was no output
   */
  async aws(parameters, signal) {
    const name = `aws ${parameters.slice(0, 2).join(' ')}`;
    const env = { ...process.env, AWS_PAGER: '' };
    const { stdout } = await runCommand(['aws', ...parameters, '--output', 'json'], {
      name,
      env,
      signal,
    });
    return stdout.trim() === '' ? undefined : JSON.parse(stdout);
  }

  /** The commands that delete everything, for a run that could not do so. */
  get deleteCommands() {
    return [
      `aws lambda delete-function --function-name ${NAME}`,
      `aws lambda list-layer-versions --layer-name ${NAME}`,
      `aws lambda delete-layer-version --layer-name ${NAME} --version-number NUMBER`,
      `aws logs delete-log-group --log-group-name /aws/lambda/${NAME}`,
    ];
  }
}

function readConfig(path) {
  try {
    const text = readFileSync(path, 'utf8');
    JSON.parse(text);
    return text;
  } catch (error) {
    throw new RefusedError(
      `cannot read ${path}: ${/** @type {Error} */ (error).message}`,
      'Create a virtual SIM with "arctun bootstrap authkey", or name its file with --config.',
    );
  }
}
