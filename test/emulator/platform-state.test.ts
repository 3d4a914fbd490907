import { inspect } from 'node:util';

import {
  createPrivateKey,
  type Login,
  MAX_SIMS,
  MAX_TOKENS,
  PlatformState,
} from '../../src/emulator/platform-state.js';
import { formatIpAddress } from '../../src/wire/ip-address.js';
import { seededEntropy, fakeCrypto, FakeArcNetwork, FakeWallClock, ip } from './fakes.js';

const ALL = { authKeyId: 'keyId-a', authKey: 'secret-a', permissions: ['*'] };
const SOME = { authKeyId: 'keyId-b', authKey: 'secret-b', permissions: ['Sim:getSim'] };

function platform() {
  const wallClock = new FakeWallClock();
  const arc = new FakeArcNetwork();
  const entropy = seededEntropy();
  const users = [ALL, SOME];
  const state = new PlatformState({ crypto: fakeCrypto, entropy, wallClock, arc, users });
  return { state, arc, wallClock };
}

const logIn = (state: PlatformState, timeout = 300): Login =>
  state.logIn('keyId-a', 'secret-a', timeout)!;

describe('tokens', () => {
  it('are given for the right pair of id and key alone', () => {
    const { state } = platform();
    expect(state.logIn('keyId-a', 'secret-b', 300)).toBeUndefined();
    expect(state.logIn('keyId-c', 'secret-a', 300)).toBeUndefined();
    expect(state.logIn('', '', 300)).toBeUndefined();
    expect(state.logIn('keyId-b', 'secret-b', 300)).toBeDefined();
  });

  it('carry the permissions of their user', () => {
    const { state } = platform();
    expect(state.grantOf(logIn(state))?.permissions).toEqual(['*']);
    const some = state.logIn('keyId-b', 'secret-b', 300)!;
    expect(state.grantOf(some)?.permissions).toEqual(['Sim:getSim']);
  });

  it('have the shape of a JWT that names the operator', () => {
    const { state, wallClock } = platform();
    const { apiKey, token } = logIn(state);
    expect(apiKey).toMatch(/^api-[0-9a-f]{32}$/);
    const parts = token.split('.');
    expect(parts).toHaveLength(3);
    const payload: unknown = JSON.parse(Buffer.from(parts[1]!, 'base64url').toString());
    const iat = wallClock.now / 1000;
    expect(payload).toEqual({ iat, exp: iat + 300, operator: { operatorId: 'OP0000000000' } });
  });

  it('go with their own API key only', () => {
    const { state } = platform();
    const first = logIn(state);
    const second = logIn(state);
    expect(first.token).not.toBe(second.token);
    expect(state.grantOf({ apiKey: first.apiKey, token: second.token })).toBeUndefined();
    expect(state.grantOf({ apiKey: first.apiKey, token: 'x' })).toBeUndefined();
  });

  it('expire at their timeout and stay so when the clock is set back', () => {
    const { state, wallClock } = platform();
    const login = logIn(state, 300);
    wallClock.now += 299_999;
    expect(state.grantOf(login)).toBeDefined();
    wallClock.now += 1;
    expect(state.grantOf(login)).toBeUndefined();
    wallClock.now -= 1000;
    expect(state.grantOf(login)).toBeUndefined();
  });

  it('end with logging out, and no other does', () => {
    const { state } = platform();
    const first = logIn(state);
    const second = logIn(state);
    state.logOut(first.token);
    expect(state.grantOf(first)).toBeUndefined();
    expect(state.grantOf(second)).toBeDefined();
  });

  it('are revoked from the oldest on beyond their number', () => {
    const { state } = platform();
    const logins = Array.from({ length: MAX_TOKENS + 1 }, () => logIn(state));
    expect(state.grantOf(logins[0]!)).toBeUndefined();
    expect(state.grantOf(logins[1]!)).toBeDefined();
    expect(state.grantOf(logins.at(-1)!)).toBeDefined();
  });
});

describe('virtual SIMs', () => {
  it('have an ICCID with its check digit and an IMSI of 15 digits', () => {
    const { state } = platform();
    const { sim } = state.createSim()!;
    expect(sim.simId).toMatch(/^8942\d{15}$/);
    expect(sim.imsi).toMatch(/^99999\d{10}$/);
    // Luhn: every second digit from the right, beginning with the second, counts double.
    const digits = Array.from(sim.simId, Number).reverse();
    const sum = digits.reduce((total, digit, index) => {
      const twice = digit * 2;
      return total + (index % 2 === 0 ? digit : Math.floor(twice / 10) + (twice % 10));
    }, 0);
    expect(sum % 10).toBe(0);
  });

  it('each have ids, keys and an address of their own', () => {
    const { state, arc } = platform();
    const sims = Array.from({ length: 300 }, () => state.createSim()!.sim);
    for (const key of ['simId', 'imsi', 'publicKey', 'address'] as const) {
      expect(new Set(sims.map((sim) => sim[key].toString())).size).toBe(300);
    }
    expect(formatIpAddress(sims[0]!.address)).toBe('10.0.0.2');
    expect(formatIpAddress(sims[254]!.address)).toBe('10.0.1.0');
    expect(arc.peers.size).toBe(300);
  });

  it('differ from one emulator to the next', () => {
    const entropy = seededEntropy();
    const [first, second] = [1, 2].map(() => {
      const wallClock = new FakeWallClock();
      const arc = new FakeArcNetwork();
      return new PlatformState({ crypto: fakeCrypto, entropy, wallClock, arc, users: [] });
    });
    expect(first!.createSim()!.sim.simId).not.toBe(second!.createSim()!.sim.simId);
  });

  it('are let in on the Arc side with their public key and address', () => {
    const { state, arc } = platform();
    const { sim, privateKey } = state.createSim()!;
    expect([...arc.peers.values()]).toMatchObject([
      { publicKey: fakeCrypto.publicKey(privateKey.expose()), address: ip('10.0.0.2') },
    ]);
    expect(sim.publicKey).toEqual(fakeCrypto.publicKey(privateKey.expose()));
  });

  it('are found by their id and by their address', () => {
    const { state } = platform();
    state.createSim();
    const { sim } = state.createSim()!;
    expect(state.sim(sim.simId)).toEqual(sim);
    expect(state.simByAddress(ip('10.0.0.3'))).toEqual(sim);
    expect(state.sim('8942')).toBeUndefined();
    expect(state.simByAddress(ip('10.0.0.4'))).toBeUndefined();
  });

  it('do not keep their private key', () => {
    const { state } = platform();
    const created = state.createSim()!;
    expect(inspect(created, { depth: 9 })).toContain('<redacted>');
    expect(Object.keys(state.sim(created.sim.simId)!)).not.toContain('privateKey');
  });

  it('are refused beyond their number', () => {
    const { state, arc } = platform();
    for (let count = 0; count < MAX_SIMS; count++) expect(state.createSim()).toBeDefined();
    expect(state.createSim()).toBeUndefined();
    expect(arc.peers.size).toBe(MAX_SIMS);
  });
});

describe('recreateSession', () => {
  it('changes the session alone and lets the peer start anew', () => {
    const { state, arc, wallClock } = platform();
    const { sim } = state.createSim()!;
    wallClock.now += 5000;
    const renewed = state.recreateSession(sim);
    expect(renewed).toEqual({
      ...sim,
      session: { sessionId: renewed.session.sessionId, createdTime: wallClock.now },
    });
    expect(renewed.session.sessionId).not.toBe(sim.session.sessionId);
    expect(state.sim(sim.simId)).toBe(renewed);
    expect(arc.events).toEqual(['add 10.0.0.2', 'remove 10.0.0.2', 'add 10.0.0.2']);
  });
});

describe('createPrivateKey', () => {
  it('clamps as RFC 7748 section 5 says', () => {
    const ones = createPrivateKey({ fill: (bytes) => bytes.fill(0xff) });
    expect([ones[0], ones[1], ones[30], ones[31]]).toEqual([0xf8, 0xff, 0xff, 0x7f]);
    const zeros = createPrivateKey({ fill: (bytes) => bytes.fill(0) });
    expect([zeros.length, zeros[0], zeros[31]]).toEqual([32, 0, 0x40]);
  });
});
