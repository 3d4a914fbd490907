import { MissingCredentialsError } from '../../../src/app/credentials/missing-credentials.js';
import { withFinding } from '../../../src/app/session/config-updates.js';
import { FileError } from '../../../src/ports/files.js';
import { TunnelError } from '../../../src/tunnel/tunnel-error.js';
import { CLIENT } from '../../support/pairs/tunnel-in-memory.js';
import { apiError } from '../fake-soracom.js';
import { ARC_JSON, publicKeyOf, RenewalHarness, SIM_ID, STATE } from '../renewal-harness.js';

const OTHER_KEY = new Uint8Array(32).fill(4);
const MINUTE = 60_000;

let at: RenewalHarness;
beforeEach(async () => {
  at = await new RenewalHarness().prepare();
});
afterEach(async () => {
  await at.close();
  expect(at.world.clock.armed).toBe(0);
});

/** A tunnel with traffic that has just received its session. */
async function up(...options: Parameters<RenewalHarness['open']>): Promise<void> {
  await at.open(...options);
  await at.talk(3000);
  expect(at.answeredAt).toBeGreaterThan(0);
}

const warnings = () => at.log.messages('warn');
const work = () => at.api.work.map((call) => call.split(' ')[0]);

describe('traffic resumes in less than 30 s', () => {
  it('after the session was deleted', async () => {
    await up();
    at.deleteSession();
    expect(await at.talkUntilAnswered(60_000)).toBeLessThan(30_000);
    expect(work()).toEqual(['getSim', 'createArcSession']);
    expect(at.readArcJson().arcSessionStatus).toEqual(at.session());
    // The handshake with which it resumed is no reason to query again.
    await at.talk(2 * MINUTE);
    expect(work()).toEqual(['getSim', 'createArcSession']);
    expect(warnings()).toEqual([]);
  });

  it('if the next session has another address', async () => {
    await up();
    at.deleteSession();
    at.api.session = at.session({ arcClientPeerIpAddress: '10.9.8.7' });
    expect(await at.talkUntilAnswered(60_000)).toBeLessThan(30_000);
    expect(at.readArcJson().arcSessionStatus.arcClientPeerIpAddress).toBe('10.9.8.7');
    expect((await at.tunnel.status()).addresses).toEqual(['10.9.8.7']);
  });

  it('if SORACOM has created a session with another address, and the handshake is answered', async () => {
    await up();
    at.admit('10.9.8.7');
    expect(await at.talkUntilAnswered(60_000)).toBeLessThan(30_000);
    // Another session would have ended the current one.
    expect(work()).toEqual(['getSim']);
    expect(at.readArcJson().arcSessionStatus.arcClientPeerIpAddress).toBe('10.9.8.7');
  });

  it('if arc.json has the old address, and only keepalives are returned', async () => {
    at.admit('10.9.8.7');
    await at.open();
    // Handshakes are on time: nothing seems wrong until a program waits for its answer.
    await at.idle(150_000);
    expect(at.api.calls).toEqual([]);
    expect(await at.talkUntilAnswered(60_000)).toBeLessThan(30_000);
    expect(work()).toEqual(['getSim']);
    expect((await at.tunnel.status()).addresses).toEqual(['10.9.8.7']);
    expect(warnings()).toEqual([]);
  });

  it('if the user has put the new session into arc.json, and signing in fails', async () => {
    at.credentials = () => Promise.reject(new MissingCredentialsError(['auth-key-id']));
    const renewals: unknown[] = [];
    at.hooks = { onRenewed: (renewal) => renewals.push(renewal) };
    await up();
    at.deleteSession();
    at.admit('10.9.8.7');
    at.files.texts.set(
      ARC_JSON,
      at.arcJson({ arcSessionStatus: at.session({ arcClientPeerIpAddress: '10.9.8.7' }) }),
    );
    expect(await at.talkUntilAnswered(60_000)).toBeLessThan(30_000);
    const why = ['arc.json has changed.'];
    expect(renewals).toEqual([{ why, changed: ['address'], keptIn: ARC_JSON }]);
    expect(at.api.calls).toEqual([]);
    expect(warnings()).toEqual([]);
  });
});

describe('SORACOM is not queried', () => {
  it('while the tunnel is healthy, through renewals of the session', async () => {
    await up();
    await at.talk(3 * MINUTE);
    expect(at.api.calls).toEqual([]);
  });

  it('for the rest of a query during which the updates are closed', async () => {
    await up();
    at.deleteSession();
    let closing: Promise<void> | undefined;
    at.api.onCall = (call) => {
      if (call === 'auth') closing = at.closeUpdates();
    };
    at.api.failures.set('getSim', new Error('stopped'));
    await at.talk(60_000);
    await closing;
    const { looks } = at;
    await at.idle(10_000);
    expect(at.looks).toBe(looks);
    expect(at.api.calls).toEqual(['auth', `getSim ${SIM_ID}`, 'logout']);
    expect(at.log.messages('error')).toEqual([]);
    expect(warnings()).toEqual([]);
  });

  it('after the updates are closed', async () => {
    await up();
    at.deleteSession();
    await at.closeUpdates();
    await at.talk(MINUTE);
    expect(at.api.calls).toEqual([]);
  });
});

it('queries SORACOM seconds after a failed handshake if only keepalives are sent', async () => {
  at.files.texts.set(ARC_JSON, at.arcJson({ persistentKeepalive: 60 }));
  await up();
  const began = at.now;
  at.deleteSession();
  await at.idle(190_000);
  expect(at.askedAt).toHaveLength(1);
  // A keepalive after REKEY_AFTER_TIME starts the handshake.
  expect(at.askedAt[0]! - began).toBeLessThan(120_000 + 60_000 + 7_500);
  expect(await at.talkUntilAnswered(10_000)).toBeLessThan(10_000);
});

it('queries no earlier than a minute after the last query, even after a handshake', async () => {
  await up();
  at.deleteSession();
  await at.talkUntilAnswered(60_000);
  at.deleteSession();
  await at.talk(90_000);
  expect(at.askedAt).toHaveLength(2);
  expect(at.askedAt[1]! - at.askedAt[0]!).toBeGreaterThanOrEqual(MINUTE);
  expect(at.askedAt[1]! - at.askedAt[0]!).toBeLessThan(MINUTE + 6_000);
});

it('forgets that the SIM is terminated after arc.json has changed', async () => {
  await up();
  at.deleteSession();
  at.answer({ status: 'terminated' });
  await at.talk(MINUTE);
  expect(at.finding?.kind).toBe('terminated');
  at.files.texts.set(ARC_JSON, at.arcJson({ persistentKeepalive: 25 }));
  await at.reload();
  expect(at.reconfigured).toBe(1);
  expect(at.finding).toBeUndefined();
});

describe('a problem that only the user can fix is reported once, and nothing is changed', () => {
  afterEach(() => {
    expect(work()).not.toContain('createArcSession');
    expect(at.reconfigured).toBe(0);
    expect(at.files.calls.filter((call) => call.startsWith('replaceText'))).toEqual([]);
  });

  it('a terminated SIM', async () => {
    await up();
    at.deleteSession();
    at.answer({ status: 'terminated' });
    await at.talk(3 * MINUTE);
    expect(at.askedAt.length).toBeGreaterThan(1);
    expect(warnings().filter((text) => text.includes('terminated'))).toEqual([
      'The SIM is terminated and cannot open a tunnel. Move arc.json to another folder, and run `arctun bootstrap authkey` to create another SIM, which will be billed.',
    ]);
    // `up` reports it also when it ends without a handshake.
    const silent = { what: 'no handshake', why: 'no answer', next: ['Check the keys.'] };
    expect(withFinding(new TunnelError('no-answer', silent), at.finding)).toMatchObject({
      message: 'no handshake: the SIM is terminated and cannot open a tunnel',
      next: [expect.stringContaining('Move arc.json to another folder')],
    });
    const other = new Error('other');
    expect(withFinding(other, at.finding)).toBe(other);
  });

  it('a key that was renewed elsewhere', async () => {
    await up();
    at.deleteSession();
    at.answer({ arcSessionStatus: at.session() }, publicKeyOf(OTHER_KEY));
    await at.talk(MINUTE);
    const said = warnings().filter((text) => text.startsWith("The SIM's public key is "));
    expect(said).toHaveLength(1);
    expect(said[0]).toContain('`arctun sim renew-key`');
  });

  it.each([
    [59_000, ''],
    [
      61_000,
      ", or this machine's clock is the cause: it is slower than SORACOM's clock, and the Arc server ignores handshakes with old timestamps. Set the clock",
    ],
  ])(
    'a silent server with a matching session and a clock that is slow by %i ms',
    async (lag, clock) => {
      await up();
      at.world.link.connected = false;
      const { wallClock } = at.world.ports;
      Object.defineProperty(at.api, 'serverTime', {
        get: () => wallClock.unixMilliseconds() + lag,
      });
      await at.talk(MINUTE);
      expect(warnings().filter((text) => text.includes('UDP to'))).toEqual([
        `the Arc server is not answering, but the session in arc.json is the one that SORACOM reports. UDP to 127.0.0.1:${at.world.server.port} may be blocked${clock}`,
      ]);
    },
  );

  it('missing credentials: what is needed', async () => {
    at.credentials = () =>
      Promise.reject(new MissingCredentialsError(['auth-key-id', 'auth-key', 'coverage-type']));
    await up();
    at.deleteSession();
    await at.talk(MINUTE);
    const said = warnings().filter((text) => text.includes('auth key'));
    expect(said).toEqual([
      'the Arc server is not answering, and checking the session with SORACOM failed: cannot sign in to SORACOM: missing: the auth key ID, the auth key, the coverage type (g or jp). Pass --auth-key-id, or set ARCTUN_AUTH_KEY_ID. Pass --auth-key, or set ARCTUN_AUTH_KEY. Pass --coverage-type, or set ARCTUN_COVERAGE_TYPE. Or run bootstrap again: arctun will then apply the new arc.json.',
    ]);
  });

  it('an arc.json without a SIM ID', async () => {
    at.files.texts.set(ARC_JSON, at.arcJson({ simId: '' }));
    await up();
    at.deleteSession();
    await at.talk(MINUTE);
    expect(warnings().filter((text) => text.includes('does not contain a simId'))).toHaveLength(1);
    expect(at.api.calls).toEqual([]);
  });

  it('a refusal by SORACOM', async () => {
    at.api.failures.set('auth', apiError(401));
    await up();
    at.deleteSession();
    await at.talk(MINUTE);
    expect(warnings().filter((text) => text.includes('HTTP 401'))).toHaveLength(1);
  });

  it('but not a session that is only in doubt', async () => {
    at.credentials = () => Promise.reject(new MissingCredentialsError(['auth-key']));
    await up();
    // A server that was restarted.
    at.world.network.removePeer(publicKeyOf(new Uint8Array(32).fill(3)));
    at.admit();
    await at.talk(2 * MINUTE);
    expect(warnings()).toEqual([]);
  });
});

describe('without permission to read the SIM', () => {
  beforeEach(() => at.api.failures.set('getSim', apiError(403)));

  it('a session is created if the server is silent', async () => {
    await up();
    at.deleteSession();
    expect(await at.talkUntilAnswered(60_000)).toBeLessThan(30_000);
    expect(work()).toEqual(['getSim', 'createArcSession']);
  });

  it('no session is created if the server answers', async () => {
    await up();
    at.admit();
    await at.talk(60_000);
    expect(work()).toEqual(['getSim']);
  });
});

it('creates a session if the one from SORACOM is incomplete', async () => {
  await up();
  at.deleteSession();
  at.answer({ arcSessionStatus: { ...at.session(), arcServerEndpoint: '' } });
  expect(await at.talkUntilAnswered(60_000)).toBeLessThan(30_000);
  expect(work()).toEqual(['getSim', 'createArcSession']);
});

describe('if arc.json cannot be written', () => {
  beforeEach(() => {
    const error = new FileError('denied', ARC_JSON, 'read-only');
    at.files.failures.set(`replaceText ${ARC_JSON}`, error);
  });

  it('the session is in the state folder, and the next start uses it', async () => {
    await up();
    at.deleteSession();
    at.api.session = at.session({ arcClientPeerIpAddress: '10.9.8.7' });
    expect(await at.talkUntilAnswered(60_000)).toBeLessThan(30_000);
    expect(at.log.messages('info')).toContain(
      `The new session was saved in ${STATE} instead: cannot write ${ARC_JSON}: read-only.`,
    );
    expect(at.readArcJson().arcSessionStatus.arcClientPeerIpAddress).toBe(CLIENT);
    await at.closeUpdates();
    await at.tunnel.close({ gracePeriod: 0 });
    await at.open();
    expect((await at.tunnel.status()).addresses).toEqual(['10.9.8.7']);
  });

  it('and the state folder cannot either, the session applies to this process, even after a reload', async () => {
    at.files.failures.set('createFolder /state', new FileError('denied', '/state', 'not yours'));
    await up();
    at.deleteSession();
    at.api.session = at.session({ arcClientPeerIpAddress: '10.9.8.7' });
    expect(await at.talkUntilAnswered(60_000)).toBeLessThan(30_000);
    expect(warnings()).toEqual([expect.stringContaining('could not be saved')]);
    await at.reload();
    expect((await at.tunnel.status()).addresses).toEqual(['10.9.8.7']);
    // The session from the other process is newer.
    const arcSessionStatus = at.session({ arcClientPeerIpAddress: '10.9.8.6' });
    at.files.texts.set(ARC_JSON, at.arcJson({ arcSessionStatus }));
    await at.reload();
    expect((await at.tunnel.status()).addresses).toEqual(['10.9.8.6']);
  });
});

it('does not overwrite a key that another process has written meanwhile', async () => {
  await up();
  at.deleteSession();
  const { onCall } = at.api;
  const renewed = at.arcJson({}, OTHER_KEY);
  at.api.onCall = (call) => {
    onCall(call);
    if (call.startsWith('createArcSession')) {
      at.files.texts.set(ARC_JSON, renewed);
      at.admit(CLIENT, OTHER_KEY);
    }
  };
  expect(await at.talkUntilAnswered(60_000)).toBeLessThan(30_000);
  expect(at.files.texts.get(ARC_JSON)).toBe(renewed);
  const { publicKey } = await at.tunnel.status();
  expect(publicKey).toBe(Buffer.from(publicKeyOf(OTHER_KEY)).toString('base64'));
});

it('does not overwrite a file that cannot be read', async () => {
  await up();
  at.files.texts.set(ARC_JSON, '{');
  at.deleteSession();
  expect(await at.talkUntilAnswered(60_000)).toBeLessThan(30_000);
  expect(at.files.texts.get(ARC_JSON)).toBe('{');
  expect(at.files.texts.get(STATE)).toContain(SIM_ID);
});

it('remembers the content of a file that can no longer be read', async () => {
  await up();
  at.deleteSession();
  const first = at.session({ arcAllowedIPs: ['100.127.0.0/17'] });
  at.api.session = first;
  await at.talkUntilAnswered(60_000);
  await at.talk(MINUTE);
  at.files.failures.set(`readText ${ARC_JSON}`, new FileError('denied', ARC_JSON, 'not yours'));
  at.deleteSession();
  at.api.session = at.session();
  await at.talkUntilAnswered(60_000);
  expect(JSON.parse(at.files.texts.get(STATE)!)).toMatchObject({
    replaces: first,
    arcSessionStatus: at.session(),
  });
});

it('keeps the other content of the file', async () => {
  await up();
  at.files.texts.set(ARC_JSON, at.arcJson({ mtu: 1380, note: 'mine' }));
  at.deleteSession();
  at.api.session = at.session({ arcAllowedIPs: ['100.127.0.0/17'] });
  await at.talkUntilAnswered(60_000);
  expect(at.readArcJson()).toMatchObject({
    mtu: 1380,
    note: 'mine',
    arcSessionStatus: { arcAllowedIPs: ['100.127.0.0/17'] },
  });
});

describe('a partially written arc.json', () => {
  const half = () => at.arcJson().slice(0, 60);

  it('is not overwritten while SORACOM creates the session, and is applied when complete', async () => {
    await up();
    at.deleteSession();
    const { onCall } = at.api;
    at.api.onCall = (call) => {
      onCall(call);
      if (call.startsWith('createArcSession')) at.files.texts.set(ARC_JSON, half());
    };
    expect(await at.talkUntilAnswered(60_000)).toBeLessThan(30_000);
    expect(at.files.texts.get(ARC_JSON)).toBe(half());
    expect(at.files.texts.get(STATE)).toContain(SIM_ID);

    at.files.texts.set(ARC_JSON, at.arcJson({ persistentKeepalive: 7 }));
    await at.reload();
    expect(at.log.messages('info').at(-1)).toContain('applied the changes: keepalive');
  });

  it('is not applied with only some fields, and does not prevent a renewal', async () => {
    await up();
    const part = at.arcJson({ arcSessionStatus: { ...at.session(), arcServerEndpoint: '' } });
    at.files.texts.set(ARC_JSON, part);
    const before = at.reconfigured;
    await at.reload();
    expect(at.reconfigured).toBe(before);
    expect(at.log.messages('error').at(-1)).toContain('cannot reload the configuration');
    at.deleteSession();
    expect(await at.talkUntilAnswered(60_000)).toBeLessThan(30_000);
  });
});

describe('close()', () => {
  /** A gate: the waiting callers, and a function that opens it. */
  function holdWrites(): { isWaiting: () => boolean; open: () => void } {
    let release: (() => void) | undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    let isWaiting = false;
    const replace = at.files.replaceText.bind(at.files);
    at.files.replaceText = async (path, text) => {
      isWaiting = true;
      await gate;
      await replace(path, text);
    };
    return { isWaiting: () => isWaiting, open: () => release!() };
  }

  it('waits for a renewal that is writing arc.json', async () => {
    await up();
    const writes = holdWrites();
    at.deleteSession();
    at.api.session = at.session({ arcAllowedIPs: ['100.127.0.0/17'] });
    for (let seconds = 0; !writes.isWaiting() && seconds < 60; seconds++) await at.talk(1000);
    let isClosed = false;
    const closing = at.closeUpdates().then(() => (isClosed = true));
    await at.settle();
    expect(isClosed).toBe(false);
    writes.open();
    await closing;
    expect(at.readArcJson().arcSessionStatus.arcAllowedIPs).toEqual(['100.127.0.0/17']);
    const { calls } = at.api;
    const asked = calls.length;
    await at.talk(60_000);
    expect(calls).toHaveLength(asked);
  });
});

describe('the hooks of a program', () => {
  it('get each renewal after the tunnel has applied it', async () => {
    const renewals: unknown[] = [];
    at.hooks = {
      onRenewed: (renewal) => renewals.push({ ...renewal, applied: at.reconfigured }),
    };
    await up();
    at.deleteSession();
    at.api.session = at.session({ arcClientPeerIpAddress: '10.9.8.7' });
    await at.talkUntilAnswered(60_000);
    const why = ['The SIM has no session, so the server does not answer handshakes.'];
    expect(renewals).toEqual([{ why, changed: ['address'], keptIn: ARC_JSON, applied: 1 }]);
  });

  it('get each problem that is logged, once', async () => {
    const problems: string[] = [];
    at.hooks = { onProblem: (text) => problems.push(text) };
    at.api.failures.set('auth', apiError(401));
    await up();
    at.deleteSession();
    await at.talk(MINUTE);
    expect(problems).toHaveLength(1);
    expect(warnings()).toEqual(expect.arrayContaining(problems));
    at.api.failures.clear();
    at.reconfigureError = new Error('no');
    at.api.session = at.session({ arcClientPeerIpAddress: '10.9.8.7' });
    await at.talk(4 * MINUTE);
    expect(problems).toContain('cannot apply the new session to the tunnel: no');
  });

  it('can save a session before the tunnel applies it', async () => {
    const saved: unknown[] = [];
    at.hooks = {
      keep: ({ original }, session) => {
        saved.push([session.arcClientPeerIpAddress, at.reconfigured]);
        const config = { ...original, arcSessionStatus: session };
        return Promise.resolve({ config, keptIn: 'a place', notice: undefined });
      },
    };
    await up();
    at.deleteSession();
    at.api.session = at.session({ arcClientPeerIpAddress: '10.9.8.7' });
    await at.talkUntilAnswered(60_000);
    expect(saved).toEqual([['10.9.8.7', 0]]);
    expect(at.readArcJson().arcSessionStatus.arcClientPeerIpAddress).toBe(CLIENT);
  });

  it('can bootstrap again, but only while the server is silent', async () => {
    let count = 0;
    at.hooks = {
      bootstrapAgain: () => {
        count++;
        at.admit(CLIENT, OTHER_KEY);
        at.files.texts.set(ARC_JSON, at.arcJson({}, OTHER_KEY));
        return Promise.resolve();
      },
    };
    await up();
    at.deleteSession();
    expect(await at.talkUntilAnswered(60_000)).toBeLessThan(30_000);
    expect(count).toBe(1);
    expect(at.api.calls).toEqual([]);
    // The server answers, but drops the packets of another address.
    at.admit('10.9.8.7', OTHER_KEY);
    await at.talk(MINUTE);
    expect(count).toBe(1);
  });
});
