import { PlatformState, type SavedPlatform } from '../../src/emulator/platform-state.js';
import { DEFAULT_USER, type EmulatorUser, MINIMAL_USER } from '../../src/emulator/users.js';
import { fakeCrypto, FakeArcNetwork, FakeWallClock, seededEntropy } from './fakes.js';

const ADDED: EmulatorUser = { email: 'a@example.com', password: 'p', permissions: [] };

function platform(users: readonly EmulatorUser[], saved?: SavedPlatform) {
  const [arc, entropy, wallClock] = [new FakeArcNetwork(), seededEntropy(), new FakeWallClock()];
  return new PlatformState({ crypto: fakeCrypto, entropy, wallClock, arc, users }, saved);
}

it('saves SIMs, groups and added users, and restores them', () => {
  const before = platform([DEFAULT_USER]);
  before.users.add(ADDED);
  before.groups.create({ operatorId: 'OP0000000000', tags: new Map(), configuration: { a: 1 } });
  before.sims.create('OP0000000000');
  const saved = before.save();
  expect(saved.users).toEqual([ADDED]);
  const after = platform([DEFAULT_USER], saved);
  expect(after.save()).toEqual(saved);
  expect(after.users.find({ email: 'a@example.com', password: 'p' })).toBe(ADDED);
});

it('replaces a built-in user with a saved one of the same name', () => {
  const saved = platform([]).save();
  const old = { ...MINIMAL_USER, authKey: 'secret-old' };
  const after = platform([MINIMAL_USER], { ...saved, users: [old, ADDED] });
  const { authKeyId } = MINIMAL_USER;
  expect(after.users.find({ authKeyId, authKey: 'secret-minimal' })).toBe(MINIMAL_USER);
  expect(after.users.find({ authKeyId, authKey: 'secret-old' })).toBeUndefined();
  expect(after.save().users).toEqual([ADDED]);
});
