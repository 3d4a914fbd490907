import { inspect } from 'node:util';

import { hasArc, MAX_EVENTS } from '../../src/emulator/sim.js';
import { MAX_SIMS, type SavedSims, Sims } from '../../src/emulator/sims.js';
import { Secret } from '../../src/lib/secrets/secret.js';
import { formatIpAddress } from '../../src/wire/ip-address.js';
import { fakeCrypto, FakeArcNetwork, FakeWallClock, ip, seededEntropy } from './fakes.js';

const OPERATOR = 'OP0000000000';

function setUp(saved?: SavedSims, entropy = seededEntropy()) {
  const wallClock = new FakeWallClock();
  const arc = new FakeArcNetwork();
  const sims = new Sims({ crypto: fakeCrypto, entropy, wallClock, arc }, saved);
  return { sims, arc, wallClock };
}

const create = (sims: Sims) => sims.create(OPERATOR)!.sim;
const peerKeys = (arc: FakeArcNetwork) => [...arc.peers.values()].map(({ publicKey }) => publicKey);

describe('a virtual SIM', () => {
  it('has an ICCID with its check digit and an IMSI of 15 digits', () => {
    const sim = create(setUp().sims);
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

  it('has its own IDs, keys and address', () => {
    const { sims, arc } = setUp();
    const all = Array.from({ length: 300 }, () => create(sims));
    for (const values of [
      all.map(({ simId }) => simId),
      all.map(({ imsi }) => imsi),
      all.map((sim) => sim.arc.publicKey.toString()),
      all.map((sim) => sim.arc.address.toString()),
    ]) {
      expect(new Set(values).size).toBe(300);
    }
    expect(formatIpAddress(all[0]!.arc.address)).toBe('10.0.0.2');
    expect(formatIpAddress(all[254]!.arc.address)).toBe('10.0.1.0');
    expect(arc.peers.size).toBe(300);
  });

  it('differs between two emulators', () => {
    const entropy = seededEntropy();
    const [first, second] = [setUp(undefined, entropy), setUp(undefined, entropy)];
    expect(create(first.sims).simId).not.toBe(create(second.sims).simId);
  });

  it('is registered on the Arc side with its public key and address', () => {
    const { sims, arc } = setUp();
    const { sim, privateKey } = sims.create(OPERATOR)!;
    const publicKey = fakeCrypto.publicKey(privateKey.expose());
    expect([...arc.peers.values()]).toMatchObject([{ publicKey, address: ip('10.0.0.2') }]);
    expect(sim.arc.publicKey).toEqual(publicKey);
  });

  it('is protected, active, online, and belongs to its operator', () => {
    const { sims, wallClock } = setUp();
    const { sim } = sims.create('OP0000000001')!;
    expect(sim).toMatchObject({
      operatorId: 'OP0000000001',
      type: 'virtual',
      status: 'active',
      terminationEnabled: false,
      createdTime: wallClock.now,
      tags: new Map([['name', '']]),
    });
    expect(sim.events).toMatchObject([{ event: 'Created', sessionId: sim.arc.session!.sessionId }]);
  });

  it('is found by its ID and by its address', () => {
    const { sims } = setUp();
    create(sims);
    const sim = create(sims);
    expect(sims.get(sim.simId)).toEqual(sim);
    expect(sims.byAddress(ip('10.0.0.3'))).toEqual(sim);
    expect(sims.get('8942')).toBeUndefined();
    expect(sims.byAddress(ip('10.0.0.4'))).toBeUndefined();
  });

  it('does not store its private key', () => {
    const { sims } = setUp();
    const created = sims.create(OPERATOR)!;
    expect(inspect(created, { depth: 9 })).toContain('<redacted>');
    const secret = created.privateKey.expose().toString();
    const kept = sims.all().filter(hasArc);
    expect(kept.some((sim) => sim.arc.publicKey.toString() === secret)).toBe(false);
    expect(inspect(sims.save(), { depth: 9 })).not.toContain('privateKey');
  });

  it('is refused above the limit', () => {
    const { sims, arc } = setUp();
    for (let count = 0; count < MAX_SIMS; count++) expect(sims.create(OPERATOR)).toBeDefined();
    expect(sims.create(OPERATOR)).toBeUndefined();
    expect(arc.peers.size).toBe(MAX_SIMS);
  });
});

describe('createSession', () => {
  it('changes only the session and makes the peer handshake again', () => {
    const { sims, arc, wallClock } = setUp();
    const sim = create(sims);
    wallClock.now += 5000;
    const renewed = sims.createSession(sim);
    const { sessionId } = renewed.arc.session!;
    expect(sessionId).not.toBe(sim.arc.session!.sessionId);
    expect(renewed).toEqual({
      ...sim,
      arc: { ...sim.arc, session: { sessionId, createdTime: wallClock.now } },
      lastModifiedTime: wallClock.now,
      previousSession: { ...sim.arc.session, deletedTime: wallClock.now },
      events: [
        { event: 'Created', time: wallClock.now, sessionId },
        { event: 'Deleted', time: wallClock.now, sessionId: sim.arc.session!.sessionId },
        ...sim.events,
      ],
    });
    expect(sims.get(sim.simId)).toBe(renewed);
    expect(arc.events).toEqual(['add 10.0.0.2', 'remove 10.0.0.2', 'add 10.0.0.2']);
  });

  it('keeps a limited number of events, the newest first', () => {
    const { sims } = setUp();
    let sim = create(sims);
    for (let count = 0; count < MAX_EVENTS; count++) sim = sims.createSession(sim);
    expect(sim.events).toHaveLength(MAX_EVENTS);
    expect(sim.events[0]).toMatchObject({ sessionId: sim.arc.session!.sessionId });
  });
});

describe('deleteSession', () => {
  it('removes the peer and the session', () => {
    const { sims, arc } = setUp();
    const sim = create(sims);
    const changed = sims.deleteSession(sim)!;
    expect(changed.arc!.session).toBeUndefined();
    expect(changed.events.map(({ event }) => event)).toEqual(['Deleted', 'Created']);
    expect(changed.previousSession).toMatchObject(sim.arc.session!);
    expect(arc.peers.size).toBe(0);
    expect(sims.get(sim.simId)).toBe(changed);
  });

  it('does nothing without a session', () => {
    const { sims, arc } = setUp();
    const changed = sims.deleteSession(create(sims))!;
    expect(sims.deleteSession(changed)).toBeUndefined();
    expect(sims.deleteSession(sims.line())).toBeUndefined();
    expect(arc.events).toEqual(['add 10.0.0.2', 'remove 10.0.0.2']);
  });

  it('is reversed by a new session', () => {
    const { sims, arc } = setUp();
    const sim = create(sims);
    sims.deleteSession(sim);
    const online = sims.createSession(sims.get(sim.simId) as typeof sim);
    expect(peerKeys(arc)).toEqual([sim.arc.publicKey]);
    expect(online.events.map(({ event }) => event)).toEqual(['Created', 'Deleted', 'Created']);
  });
});

describe('another key', () => {
  const OWN = new Uint8Array(32).fill(7);

  it('replaces the old one at once', () => {
    const { sims, arc } = setUp();
    const sim = create(sims);
    const renewed = sims.setPublicKey(sim, OWN);
    expect(renewed).toMatchObject({ arc: { publicKey: OWN, address: sim.arc.address } });
    expect(peerKeys(arc)).toEqual([OWN]);
    expect(sims.get(sim.simId)).toBe(renewed);
    expect((renewed as typeof sim).arc.session).not.toEqual(sim.arc.session);
  });

  it('may be the current key of the SIM, but not of another SIM', () => {
    const { sims, arc } = setUp();
    const [one, other] = [create(sims), create(sims)];
    sims.setPublicKey(one, OWN);
    expect(sims.setPublicKey(sims.get(one.simId) as typeof one, OWN)).not.toBe('key-in-use');
    expect(sims.setPublicKey(other, OWN)).toBe('key-in-use');
    expect(sims.setPublicKey(other, arc.publicKey)).toBe('key-in-use');
    expect(peerKeys(arc)).toEqual([other.arc.publicKey, OWN]);
    expect(sims.get(other.simId)).toBe(other);
  });

  it('may be generated by the server', () => {
    const { sims, arc } = setUp();
    const sim = create(sims);
    const { sim: renewed, privateKey } = sims.renewKeys(sim);
    expect(renewed.arc.publicKey).toEqual(fakeCrypto.publicKey(privateKey.expose()));
    expect(renewed.arc.publicKey).not.toEqual(sim.arc.publicKey);
    expect(peerKeys(arc)).toEqual([renewed.arc.publicKey]);
  });
});

describe('a change by SORACOM', () => {
  it('of the address comes with a new session if there was one', () => {
    const { sims, arc } = setUp();
    const sim = create(sims);
    const moved = sims.setAddress(sim, ip('10.9.8.7')) as typeof sim;
    expect([...arc.peers.values()]).toMatchObject([{ address: ip('10.9.8.7') }]);
    expect(moved.events.map(({ event }) => event)).toEqual(['Created', 'Deleted', 'Created']);
    expect(sims.byAddress(ip('10.9.8.7'))).toBe(moved);
    expect(sims.byAddress(sim.arc.address)).toBeUndefined();
    const deleted = sims.deleteSession(moved) as typeof sim;
    const again = sims.setAddress(deleted, ip('10.9.8.6')) as typeof sim;
    expect(again.arc.session).toBeUndefined();
    expect(arc.peers.size).toBe(0);
  });

  it('of the Arc server’s key does not end sessions', () => {
    const { sims, arc } = setUp();
    const [one, other, offline] = [create(sims), create(sims), create(sims)];
    sims.deleteSession(offline);
    const before = arc.publicKey;
    sims.setServerKey(new Secret(new Uint8Array(32).fill(7)));
    expect(arc.publicKey).not.toEqual(before);
    expect(peerKeys(arc)).toEqual([one.arc.publicKey, other.arc.publicKey]);
    expect(sims.get(one.simId)).toBe(one);
  });
});

describe('terminate', () => {
  it('is final: no peer, no session, and no protection', () => {
    const { sims, arc } = setUp();
    const sim = create(sims);
    const open = sims.setTerminationEnabled(sim, true);
    expect(open.terminationEnabled).toBe(true);
    const ended = sims.terminate(open);
    expect(ended).toMatchObject({ status: 'terminated', terminationEnabled: true });
    expect(ended.arc!.session).toBeUndefined();
    expect(arc.peers.size).toBe(0);
    expect(sims.all()).toContain(ended);
  });

  it('also terminates the line', () => {
    const { sims } = setUp();
    expect(sims.terminate(sims.line()).status).toBe('terminated');
    expect(sims.line().status).toBe('terminated');
  });
});

describe('the line', () => {
  it('is a physical SIM without an Arc subscription', () => {
    const { sims, arc } = setUp();
    expect(sims.line()).toMatchObject({ type: 'uicc', status: 'active' });
    expect(sims.line().imsi).toMatch(/^44010\d{10}$/);
    expect(hasArc(sims.line())).toBe(false);
    expect(sims.all()).toEqual([sims.line()]);
    expect(arc.peers.size).toBe(0);
  });

  it('gets one virtual subscription, with new keys each time', () => {
    const { sims, arc } = setUp();
    const first = sims.bootstrapLine();
    const second = sims.bootstrapLine();
    expect(first.sim.simId).toBe(sims.line().simId);
    expect(first.sim.arc.iccid).not.toBe(first.sim.simId);
    expect(first.sim.arc.imsi).toMatch(/^99999\d{10}$/);
    expect({ ...second.sim.arc, publicKey: 0, session: 0 }).toEqual({
      ...first.sim.arc,
      publicKey: 0,
      session: 0,
    });
    expect(second.sim.arc.publicKey).not.toEqual(first.sim.arc.publicKey);
    expect(second.sim.arc.publicKey).toEqual(fakeCrypto.publicKey(second.privateKey.expose()));
    expect(peerKeys(arc)).toEqual([second.sim.arc.publicKey]);
    expect(sims.all()).toHaveLength(1);
    expect(sims.byAddress(second.sim.arc.address)).toBe(second.sim);
  });
});

it('keeps tags and the group', () => {
  const { sims } = setUp();
  const sim = create(sims);
  const tags = new Map([['a', 'b']]);
  sims.setTags(sim, tags);
  sims.setGroup(sims.get(sim.simId)!, 'group');
  expect(sims.get(sim.simId)).toMatchObject({ tags, groupId: 'group' });
  sims.setGroup(sims.get(sim.simId)!, undefined);
  expect(sims.get(sim.simId)!.groupId).toBeUndefined();
});

describe('saved SIMs', () => {
  it('are restored, with peers for those that are online', () => {
    const before = setUp();
    const online = create(before.sims);
    const offline = create(before.sims);
    before.sims.deleteSession(offline);
    const ended = create(before.sims);
    before.sims.terminate(ended);
    const after = setUp(before.sims.save());
    expect(after.sims.all()).toEqual(before.sims.all());
    expect(after.sims.line()).toEqual(before.sims.line());
    expect(peerKeys(after.arc)).toEqual([online.arc.publicKey]);
    expect(after.sims.byAddress(offline.arc.address)?.simId).toBe(offline.simId);
  });

  it('do not share their IDs with new SIMs', () => {
    const before = setUp();
    create(before.sims);
    const entropy = seededEntropy();
    entropy.fill(new Uint8Array(4));
    const after = setUp(before.sims.save(), entropy);
    const next = create(after.sims);
    expect(formatIpAddress(next.arc.address)).toBe('10.0.0.3');
    expect(after.sims.all()).toHaveLength(3);
    expect(next.simId.slice(0, 14)).toBe(before.sims.all()[1]!.simId.slice(0, 14));
  });
});
