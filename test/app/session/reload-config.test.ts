import { ARC_JSON, publicKeyOf, RenewalHarness } from '../renewal-harness.js';

const OTHER_KEY = new Uint8Array(32).fill(4);

let at: RenewalHarness;
beforeEach(async () => {
  at = await new RenewalHarness().prepare();
});
afterEach(() => at.close());

const infos = () => at.log.messages('info').filter((text) => text.includes('arc.json'));

it('applies the differences, and reports them', async () => {
  await at.open();
  await at.idle(6000);
  at.admit('10.9.8.7', OTHER_KEY);
  const arcSessionStatus = at.session({
    arcClientPeerIpAddress: '10.9.8.7',
    arcAllowedIPs: ['100.127.0.0/17'],
  });
  const members = { arcSessionStatus, persistentKeepalive: 7 };
  at.files.texts.set(ARC_JSON, at.arcJson(members, OTHER_KEY));
  await at.reload();
  expect(infos()).toEqual([
    'reloaded arc.json; applied the changes: private key, address, allowed IPs, keepalive',
  ]);
  expect(await at.tunnel.status()).toMatchObject({
    publicKey: Buffer.from(publicKeyOf(OTHER_KEY)).toString('base64'),
    addresses: ['10.9.8.7'],
    peers: [{ allowedIps: ['100.127.0.0/17'], persistentKeepalive: 7 }],
  });
  await at.talk(2000);
  expect(at.answeredAt).toBeGreaterThan(0);
  // The next handshake, so soon after, does not indicate a lost session.
  await at.talk(60_000);
  expect(at.api.calls).toEqual([]);
});

it('does nothing if nothing differs', async () => {
  await at.open();
  const { arcAllowedIPs } = at.session();
  const arcSessionStatus = at.session({ arcAllowedIPs: [...arcAllowedIPs, ...arcAllowedIPs] });
  at.files.texts.set(ARC_JSON, at.arcJson({ arcSessionStatus }));
  await at.reload();
  expect(infos()).toEqual(['reloaded arc.json: no changes']);
  expect(at.reconfigured).toBe(0);
});

it('lists the changes that require a restart, each time', async () => {
  await at.open();
  const members = { interface: 'arc1', mtu: 1300, logLevel: 1, enableMetrics: true };
  const hooks = { preUp: [['a']], postUp: [['b']], preDown: [['c']], postDown: [['d']] };
  at.files.texts.set(ARC_JSON, at.arcJson({ ...members, ...hooks, persistentKeepalive: 7 }));
  await at.reload();
  await at.reload();
  const sentence =
    'some changes in arc.json take effect only after a restart: mtu, interface, logLevel, enableMetrics, preUp, postUp, preDown, postDown';
  expect(at.log.messages('warn')).toEqual([sentence, sentence]);
  expect(infos()).toHaveLength(2);
  expect(await at.tunnel.status()).toMatchObject({
    mtu: 1420,
    peers: [{ persistentKeepalive: 7 }],
  });
});

it.each([
  ['{', /^cannot reload the configuration: cannot use arc\.json: /],
  ['{}', /privateKey/],
])('does not change the tunnel for %s', async (text, message) => {
  await at.open();
  at.files.texts.set(ARC_JSON, text);
  await at.reload();
  expect(at.log.messages('error')).toEqual([expect.stringMatching(message)]);
  expect(at.reconfigured).toBe(0);
  await at.talk(2000);
  expect(at.answeredAt).toBeGreaterThan(0);
});

it('retries changes that an interface has refused', async () => {
  await at.open();
  at.files.texts.set(ARC_JSON, at.arcJson({ persistentKeepalive: 7 }));
  at.reconfigureError = Object.assign(new Error('address: EPERM'), { code: 'EPERM' });
  await at.reload();
  expect(at.log.messages('error')).toEqual([
    'cannot reload the configuration: address: EPERM. The tunnel is unchanged.',
  ]);
  at.reconfigureError = undefined;
  await at.reload();
  expect((await at.tunnel.status()).peers).toMatchObject([{ persistentKeepalive: 7 }]);
});

it('cannot read standard input twice', async () => {
  await at.open({ fromStdin: true });
  at.files.texts.set(ARC_JSON, at.arcJson({ persistentKeepalive: 7 }));
  await at.reload();
  expect(at.log.messages('warn')).toEqual([
    'cannot reload the configuration: it was read from standard input',
  ]);
  expect(at.reconfigured).toBe(0);
});

it('waits for a renewal in progress', async () => {
  await at.open();
  await at.talk(2000);
  at.deleteSession();
  const order: string[] = [];
  const { onCall } = at.api;
  at.api.onCall = (call) => {
    onCall(call);
    order.push(call.split(' ')[0]!);
    if (call.startsWith('getSim')) void at.reload();
  };
  at.files.onCall = (call) => order.push(call);
  await at.talkUntilAnswered(60_000);
  const written = order.indexOf(`replaceText ${ARC_JSON}`);
  expect(written).toBeGreaterThan(order.indexOf('createArcSession'));
  expect(order.lastIndexOf(`readText ${ARC_JSON}`)).toBeGreaterThan(written);
  expect(infos()).toEqual(['reloaded arc.json: no changes']);
});

it('applies nothing from a file whose commands another user could have written', async () => {
  await at.open();
  const otherWriters = [{ path: '/home', fault: 'mode', isFolder: true, mode: 0o777 }] as const;
  at.files.inspections.set(ARC_JSON, { otherWriters });
  at.files.texts.set(ARC_JSON, at.arcJson({ postUp: [['b']], persistentKeepalive: 7 }));
  await at.reload();
  expect(at.log.messages('error')).toEqual([
    'cannot reload the configuration: cannot run the commands in arc.json: other users can write to the folder /home (mode 0777). The tunnel is unchanged. No command was run and nothing was changed. Run: chmod go-w /home Or remove preUp, postUp, preDown and postDown from the file.',
  ]);
  expect(at.reconfigured).toBe(0);
});

it('no longer reads arc.json after it is closed', async () => {
  await at.open();
  await at.closeUpdates();
  at.files.texts.set(ARC_JSON, at.arcJson({ persistentKeepalive: 7 }));
  await at.reload();
  expect(at.reconfigured).toBe(0);
});

it('waits for a running reload to finish', async () => {
  await at.open({ renews: false });
  at.files.texts.set(ARC_JSON, at.arcJson({ persistentKeepalive: 7 }));
  const reloading = at.reload();
  await at.closeUpdates();
  expect(at.reconfigured).toBe(1);
  await reloading;
});

it('reports the start and the end of each reload', async () => {
  const told: string[] = [];
  at.aroundReload = async (reload) => {
    told.push('begins');
    await reload();
    told.push(`ends after ${at.reconfigured}`);
  };
  await at.open({ renews: false });
  at.files.texts.set(ARC_JSON, at.arcJson({ persistentKeepalive: 7 }));
  await at.reload();
  expect(told).toEqual(['begins', 'ends after 1']);
});
