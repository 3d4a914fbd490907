import {
  DEFAULT_USER,
  emulatorUser,
  type EmulatorUser,
  MAX_USERS,
  MINIMAL_USER,
  userLabel,
  Users,
} from '../../src/emulator/users.js';

const ROOT: EmulatorUser = { email: 'a@example.com', password: 'p', permissions: ['*'] };
const SAM: EmulatorUser = {
  operatorId: 'OP0000000001',
  userName: 'sam',
  password: 'q',
  mfaOTPCode: '123456',
  permissions: [],
};

describe('emulatorUser', () => {
  it.each([
    [ROOT],
    [SAM],
    [{ authKeyId: 'keyId-a', authKey: 'secret-a', permissions: [] }],
    [{ ...SAM, switchTo: [{ operatorId: 'OP0000000002', userName: 'x' }] }],
    [DEFAULT_USER],
    [MINIMAL_USER],
  ])('accepts %j', (user) => {
    expect(emulatorUser.parse(user)).toEqual(user);
  });

  it.each([
    ['no credentials', { permissions: [] }],
    ['no permissions', { email: 'a', password: 'p' }],
    ['half an auth key', { ...ROOT, authKeyId: 'keyId-a' }],
    ['the other half', { ...ROOT, authKey: 'secret-a' }],
    ['a name without a password', { userName: 'sam', permissions: [] }],
    ['a password without a name', { password: 'p', permissions: [] }],
    ['email and userName', { ...ROOT, userName: 'sam' }],
    ['an invalid operator', { ...SAM, operatorId: 'OP1' }],
    ['an empty secret', { ...ROOT, password: '' }],
    ['an unknown field', { ...ROOT, permission: ['*'] }],
    ['a text that is too long', { ...ROOT, email: 'x'.repeat(256) }],
    ['too many permissions', { ...ROOT, permissions: Array<string>(101).fill('*') }],
    ['a switch without an operator', { ...SAM, switchTo: [{ userName: 'x' }] }],
  ])('refuses %s', (_, user) => {
    expect(emulatorUser.safeParse(user).success).toBe(false);
  });
});

describe('find', () => {
  const keyOnly = { email: 'k@example.com', authKeyId: 'k', authKey: 's', permissions: [] };
  const users = new Users([DEFAULT_USER, ROOT, SAM, keyOnly]);

  it('finds a user by each form of credentials', () => {
    const { authKeyId, authKey } = DEFAULT_USER;
    expect(users.find({ authKeyId, authKey })).toBe(DEFAULT_USER);
    expect(users.find({ email: 'a@example.com', password: 'p' })).toBe(ROOT);
    const sam = { operatorId: 'OP0000000001', userName: 'sam', password: 'q' };
    expect(users.find({ ...sam, mfaOTPCode: '123456' })).toBe(SAM);
  });

  it.each([
    {},
    { password: 'p' },
    { authKeyId: 'keyId-emulator' },
    { authKeyId: 'keyId-emulator', authKey: 'secret-minimal' },
    { authKeyId: 'keyId-minimal', authKey: 'secret-emulator' },
    { email: 'a@example.com' },
    { email: 'k@example.com' },
    { email: 'a@example.com', password: 'q' },
    { userName: 'sam', password: 'q', mfaOTPCode: '123456' },
    { operatorId: 'OP0000000000', userName: 'sam', password: 'q', mfaOTPCode: '123456' },
    { operatorId: 'OP0000000001', userName: 'sam', password: 'q' },
    { operatorId: 'OP0000000001', userName: 'sam', password: 'q', mfaOTPCode: '654321' },
    { operatorId: 'OP0000000001', userName: 'sam', mfaOTPCode: '123456' },
  ])('does not find %j', (request) => {
    expect(users.find(request)).toBeUndefined();
  });
});

describe('add', () => {
  it('adds a user that can sign in from then on', () => {
    const users = new Users([DEFAULT_USER]);
    expect(users.add(ROOT)).toBeUndefined();
    expect(users.find({ email: 'a@example.com', password: 'p' })).toBe(ROOT);
    expect(users.added()).toEqual([ROOT]);
  });

  it.each<[string, EmulatorUser]>([
    ['authKeyId', { authKeyId: 'keyId-emulator', authKey: 'x', permissions: [] }],
    ['email', { email: 'a@example.com', password: 'x', permissions: [] }],
    ['userName', { ...SAM, password: 'x' }],
  ])('refuses a second user with the same %s', (name, user) => {
    const users = new Users([DEFAULT_USER, ROOT, SAM]);
    expect(users.add(user)).toBe(`another user already has this ${name}`);
    expect(users.added()).toEqual([]);
  });

  it('accepts the same userName for each operator', () => {
    const users = new Users([SAM]);
    const other = { ...SAM, operatorId: 'OP0000000002' };
    expect(users.add(other)).toBeUndefined();
    expect(users.samUser('OP0000000002', 'sam')).toBe(other);
    expect(users.samUser('OP0000000001', 'sam')).toBe(SAM);
    expect(users.samUser('OP0000000003', 'sam')).toBeUndefined();
  });

  it('has a limit', () => {
    const users = new Users([]);
    const user = (number: number) => ({ ...ROOT, email: String(number) });
    for (let count = 0; count < MAX_USERS; count++) expect(users.add(user(count))).toBeUndefined();
    expect(users.add(user(MAX_USERS))).toBe('the limit of 100 users is reached');
  });
});

it('identifies users without a secret', () => {
  expect(userLabel(ROOT)).toBe('a@example.com');
  expect(userLabel(SAM)).toBe('OP0000000001/sam');
  expect(userLabel(MINIMAL_USER)).toBe('OP0000000000/minimal');
  expect(userLabel({ authKeyId: 'keyId-a', authKey: 'x', permissions: [] })).toBe('keyId-a');
});

it('gives the minimal user the permissions for bootstrap and no more', () => {
  expect(MINIMAL_USER.permissions).toEqual(['Sim:createSim', 'Sim:createArcSession']);
});
