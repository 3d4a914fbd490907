import { PlatformState } from '../../src/emulator/platform-state.js';
import {
  MAX_STATE_LENGTH,
  type SavedState,
  StateFile,
  type StateFiles,
} from '../../src/emulator/state-file.js';
import { Secret } from '../../src/lib/secrets/secret.js';
import { UserError } from '../../src/lib/errors/user-error.js';
import { fakeCrypto, FakeArcNetwork, FakeWallClock, seededEntropy } from './fakes.js';

const PATH = 'state.json';
const KEY = new Uint8Array(32).fill(5);

/** One file in memory, which fails if configured to. */
class FakeFiles implements StateFiles {
  text: string | undefined;
  writes: string[] = [];
  failure: 'denied' | 'failed' | 'no-folder' | undefined;
  #waiting: (() => void)[] = [];
  holds = false;

  readText(): Promise<string> {
    if (this.failure) return Promise.reject(this.#error(this.failure));
    if (this.text === undefined) return Promise.reject(this.#error('absent'));
    return Promise.resolve(this.text);
  }

  async replaceText(_path: string, text: string): Promise<void> {
    if (this.holds) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.failure) throw this.#error(this.failure);
    this.text = text;
    this.writes.push(text);
  }

  release(): void {
    this.holds = false;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #error(failure: string): Error {
    return Object.assign(new Error(`it is ${failure}`), { failure });
  }
}

function platform(): PlatformState {
  const [arc, entropy, wallClock] = [new FakeArcNetwork(), seededEntropy(), new FakeWallClock()];
  const state = new PlatformState({ crypto: fakeCrypto, entropy, wallClock, arc, users: [] });
  const { sim } = state.sims.create('OP0000000000')!;
  state.sims.setTags(
    sim,
    new Map([
      ['__proto__', 'x'],
      ['name', 'é'],
    ]),
  );
  state.sims.deleteSession(state.sims.create('OP0000000001')!.sim);
  state.sims.bootstrapLine();
  const group = state.groups.create({
    operatorId: 'OP0000000000',
    tags: new Map([['name', 'g']]),
    configuration: { SoracomAir: { userdata: 'u' } },
  })!;
  state.sims.setGroup(state.sims.get(sim.simId)!, group.groupId);
  state.users.add({ email: 'a@example.com', password: 'p', permissions: ['*'] });
  return state;
}

function saved(state = platform()): SavedState {
  return { arcServerPrivateKey: new Secret(KEY), platform: state.save() };
}

async function savedText(): Promise<string> {
  const files = new FakeFiles();
  await new StateFile(PATH, files).save(() => saved());
  return files.text!;
}

const failureOf = async (action: Promise<unknown>): Promise<UserError> => {
  const error: unknown = await action.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UserError);
  return error as UserError;
};

it('returns what was saved', async () => {
  const files = new FakeFiles();
  const state = platform();
  await new StateFile(PATH, files).save(() => saved(state));
  const loaded = (await new StateFile(PATH, files).load())!;
  expect(loaded.arcServerPrivateKey.expose()).toEqual(KEY);
  expect(loaded.platform).toEqual(state.save());
});

it('does not exist initially', async () => {
  expect(await new StateFile(PATH, new FakeFiles()).load()).toBeUndefined();
});

it('is written if something changed', async () => {
  const files = new FakeFiles();
  const file = new StateFile(PATH, files);
  const state = platform();
  await file.save(() => saved(state));
  await file.save(() => saved(state));
  expect(files.writes).toHaveLength(1);
  state.sims.create('OP0000000000');
  await file.save(() => saved(state));
  expect(files.writes).toHaveLength(2);
});

it('is not written if it already contains the state', async () => {
  const files = new FakeFiles();
  files.text = await savedText();
  const file = new StateFile(PATH, files);
  const loaded = (await file.load())!;
  await file.save(() => loaded);
  expect(files.writes).toEqual([]);
});

it('is written by one writer at a time, each with its current state', async () => {
  const files = new FakeFiles();
  files.holds = true;
  const file = new StateFile(PATH, files);
  const state = platform();
  const first = file.save(() => saved(state));
  await Promise.resolve();
  const second = file.save(() => saved(state));
  const third = file.save(() => saved(state));
  state.sims.create('OP0000000000');
  files.release();
  await Promise.all([first, second, third]);
  expect(files.writes.map((text) => text.split('"simId"').length - 1)).toEqual([3, 4]);
});

it('reports why it cannot be written, and is written the next time', async () => {
  const files = new FakeFiles();
  const file = new StateFile(PATH, files);
  files.failure = 'failed';
  expect(await failureOf(file.save(() => saved()))).toMatchObject({
    kind: 'failed',
    what: 'cannot write the state file state.json',
    why: 'it is failed',
  });
  files.failure = 'denied';
  expect((await failureOf(file.save(() => saved()))).kind).toBe('permission');
  files.failure = 'no-folder';
  expect((await failureOf(file.save(() => saved()))).kind).toBe('configuration');
  files.failure = undefined;
  await file.save(() => saved());
  expect(files.writes).toHaveLength(1);
});

it('is not written if it could not be read again', async () => {
  const files = new FakeFiles();
  const state = platform();
  const [sim] = state.sims.all();
  state.sims.setTags(sim!, new Map([['long', 'x'.repeat(MAX_STATE_LENGTH)]]));
  const { why } = await failureOf(new StateFile(PATH, files).save(() => saved(state)));
  expect(why).toContain('1048576 bytes');
  expect(files.writes).toEqual([]);
});

it('reports why it cannot be read', async () => {
  const files = new FakeFiles();
  files.failure = 'denied';
  expect(await failureOf(new StateFile(PATH, files).load())).toMatchObject({
    kind: 'permission',
    what: 'cannot read the state file state.json',
  });
});

describe('a file that the emulator did not save', () => {
  interface Json {
    [name: string]: unknown;
    sims: (Record<string, unknown> & { arc: Record<string, unknown> })[];
  }
  const edit = async (change: (json: Json) => void): Promise<string> => {
    const json = JSON.parse(await savedText()) as Json;
    change(json);
    return JSON.stringify(json);
  };

  it.each([
    ['', 'the file must be JSON that an emulator has saved'],
    ['{"arcServer": "planted"', 'the file must be JSON that an emulator has saved'],
    ['[]', 'the file must be JSON that an emulator has saved'],
    ['{}', 'version: '],
  ])('is refused: %j', async (text, why) => {
    const files = new FakeFiles();
    files.text = text;
    const error = await failureOf(new StateFile(PATH, files).load());
    expect(error).toMatchObject({
      kind: 'configuration',
      what: 'cannot use the state file state.json',
    });
    expect(error.why).toContain(why);
    expect(error.message).not.toContain('planted');
    expect(files).toMatchObject({ text, writes: [] });
  });

  it.each<[string, (json: Json) => void, string]>([
    ['another version', (json) => (json.version = 2), 'version'],
    ['a short key', (json) => (json.arcServer = { privateKey: 'AAAA' }), 'arcServer.privateKey'],
    ['no run', (json) => delete json.run, 'run'],
    ['no SIM', (json) => (json.sims = []), 'sims'],
    ['no line', (json) => json.sims.shift(), 'sims'],
    ['a SIM twice', (json) => json.sims.push({ ...json.sims[1]!, arc: json.sims[2]!.arc }), 'sims'],
    ['an address twice', (json) => (json.sims[1]!.arc.address = json.sims[2]!.arc.address), 'sims'],
    ['a key twice', (json) => (json.sims[1]!.arc.publicKey = json.sims[2]!.arc.publicKey), 'sims'],
    ['no address', (json) => (json.sims[1]!.arc.address = '10.0.0'), 'sims.1.arc.address'],
    ['IPv6', (json) => (json.sims[1]!.arc.address = '::1'), 'sims.1.arc.address'],
    ['an invalid status', (json) => (json.sims[1]!.status = 'x'), 'sims.1.status'],
    ['an unknown field', (json) => (json.sims[1]!.privateKey = 'x'), 'sims.1'],
    ['a user without a name', (json) => (json.users = [{ permissions: [] }]), 'users.0'],
  ])('is refused for %s', async (_, change, where) => {
    const files = new FakeFiles();
    files.text = await edit(change);
    const { why } = await failureOf(new StateFile(PATH, files).load());
    expect(why.startsWith(`${where}: `)).toBe(true);
  });
});

it('contains no private key except the Arc server’s', async () => {
  const text = await savedText();
  expect(text.match(/privateKey/gi)).toHaveLength(1);
});
