import { formatArcConfig } from '../../../src/arc-config/format-arc-config.js';
import { skeletonArcConfig } from '../../../src/arc-config/arc-config.js';
import { FileError } from '../../../src/ports/files.js';
import { createNodeCrypto } from '../../../src/crypto/node.js';
import { PRIVATE_KEY, SAMPLE, sampleWith } from '../../arc-config/sample.js';
import { cut, json } from '../../soracom/recording-server.js';
import {
  BootstrapHarness,
  CREATE_SESSION,
  head,
  OWN_PRIVATE_KEY,
  OWN_PUBLIC_KEY,
  RENEW,
  rescueOf,
  SESSION,
  SIM,
  SIM_ID,
  TARGET,
  whole,
} from '../bootstrap-harness.js';
import { failureOf } from '../failure-of.js';

const RESCUE = `/state/arc.json.${SIM_ID}.%2Fhome%2Farc.json.rescue`;
const CREATE_SIM = 'POST /v1/sims';
const SAMPLE_PUBLIC_KEY = Buffer.from(
  createNodeCrypto().publicKey(Buffer.from(PRIVATE_KEY, 'base64')),
).toString('base64');
const FULL = new FileError('failed', TARGET, 'no space left on the device');

let bench: BootstrapHarness;
beforeEach(async () => {
  bench = await BootstrapHarness.start();
});
afterEach(() => bench.close());

describe('a new SIM', () => {
  it('is written as soratun writes it, but without the profile', async () => {
    const result = await bench.run();
    expect(result).toEqual({ simId: SIM_ID, path: TARGET, created: true, notes: [] });
    expect(bench.files.texts.get(TARGET)).toBe(whole());
    expect(bench.server.calls).toEqual(['POST /v1/auth', CREATE_SIM, 'POST /v1/auth/logout']);
    expect(bench.server.requests[0]?.body).toBe(
      '{"authKeyId":"keyId-1","authKey":"secret-1","tokenTimeoutSeconds":300}',
    );
    expect(bench.steps).toBeUndefined();
  });

  it('is announced in the journal before the request, and its key is in the journal before anything else', async () => {
    bench.answering(CREATE_SIM, (response, request) => {
      expect(bench.steps).toEqual(['create-sim']);
      json({ ...SIM, arcSessionStatus: undefined }, 201)(response, request);
    });
    bench.files.onCall = (call) => {
      if (!call.startsWith('replaceText')) return;
      if (bench.count(CREATE_SESSION) === 0) expect(bench.steps).toEqual(['create-sim', 'created']);
    };
    await bench.run();
    expect(bench.server.calls).toEqual([
      'POST /v1/auth',
      CREATE_SIM,
      CREATE_SESSION,
      'POST /v1/auth/logout',
    ]);
    expect(bench.files.texts.get(TARGET)).toBe(whole());
    expect(bench.steps).toBeUndefined();
  });

  it('has SORACOM’s time in the journal', async () => {
    const date = 'Wed, 25 Nov 2026 01:02:03 GMT';
    bench.answering('POST /v1/auth', (response) => {
      response.writeHead(200, { Date: date }).end('{"apiKey":"a","token":"t"}');
    });
    bench.answering(CREATE_SIM, cut);
    await failureOf(bench.run());
    const [line] = bench.journals.lines.get('arc.json')!;
    expect(JSON.parse(line!)).toMatchObject({ since: Date.parse(date), ownKey: false });
  });

  it('keeps the key if no session can be created, and a second run creates no second SIM', async () => {
    bench.answering(CREATE_SIM, json({ ...SIM, arcSessionStatus: null }, 201));
    bench.answering(CREATE_SESSION, json({ code: 'X', message: 'no' }, 403));
    const error = await failureOf(bench.run());
    expect(error.what).toContain(`SIM ${SIM_ID} was created and its key is in ${TARGET}`);
    expect(error.kind).toBe('api');
    expect(bench.files.texts.get(TARGET)).toBe(`${head()}\n}\n`);

    bench.answering(CREATE_SESSION, json(SESSION));
    expect(await bench.run()).toMatchObject({ simId: SIM_ID });
    expect(bench.files.texts.get(TARGET)).toBe(whole());
    expect(bench.count(CREATE_SIM)).toBe(1);
    expect(bench.steps).toBeUndefined();
  });

  it('is not requested twice if the answer is lost, and its journal stays', async () => {
    bench.answering(CREATE_SIM, cut);
    const error = await failureOf(bench.run());
    expect(error.next.join(' ')).toContain('a billed SIM may already exist');
    expect(bench.count(CREATE_SIM)).toBe(1);
    expect(bench.steps).toEqual(['create-sim']);
  });

  it.each([400, 401, 403, 429])('leaves no journal if it is refused with %d', async (code) => {
    bench.answering(CREATE_SIM, json({ code: 'X', message: 'no' }, code));
    await failureOf(bench.run());
    expect(bench.steps).toBeUndefined();
    expect(bench.files.texts.size).toBe(0);
  });
});

describe('--own-key', () => {
  it('replaces the first key with a local one, and sends only its public half', async () => {
    let journal = '';
    bench.answering(RENEW, (response, request) => {
      expect(bench.files.texts.get(TARGET)).toBe(whole());
      journal = bench.journals.lines.get('arc.json')!.at(-1)!;
      json({ arcClientPeerPublicKey: OWN_PUBLIC_KEY })(response, request);
    });
    await bench.run({ ownKey: true });
    expect(journal).toContain(OWN_PRIVATE_KEY);
    expect(bench.files.texts.get(TARGET)).toBe(whole(OWN_PRIVATE_KEY, OWN_PUBLIC_KEY));
    expect(bench.server.calls).toEqual([
      'POST /v1/auth',
      CREATE_SIM,
      RENEW,
      CREATE_SESSION,
      'POST /v1/auth/logout',
    ]);
    expect(bench.server.requests[2]?.body).toBe(`{"arcClientPeerPublicKey":"${OWN_PUBLIC_KEY}"}`);
    expect(JSON.stringify(bench.server.requests)).not.toContain(OWN_PRIVATE_KEY);
    expect(bench.steps).toBeUndefined();
  });
});

describe('the question whether to create a SIM', () => {
  it('shows the planned SIM, and does not create it after a no', async () => {
    const asked: unknown[] = [];
    const ports = {
      confirmSim: (summary: unknown) => {
        asked.push(summary);
        return Promise.resolve(false);
      },
    };
    const labels = { name: 'a', tags: [{ tagName: 'b', tagValue: 'c' }] };
    const error = await failureOf(bench.run({ labels }, ports));
    expect(error).toMatchObject({ kind: 'failed', what: 'no virtual SIM was created' });
    expect(asked).toEqual([
      expect.arrayContaining([
        ['Name', 'a'],
        ['Tag', 'b=c'],
      ]),
    ]);
    expect(bench.count(CREATE_SIM)).toBe(0);
    expect(bench.steps).toBeUndefined();
  });
});

describe('name, tags and group', () => {
  const labels = { name: 'sensor', group: 'g-1', tags: [{ tagName: 'site', tagValue: 'osaka' }] };

  it('are set after the key is stored', async () => {
    bench.answering(`PUT /v1/sims/${SIM_ID}/tags`, (response, request) => {
      expect(bench.files.texts.get(TARGET)).toBe(whole());
      json(SIM)(response, request);
    });
    expect(await bench.run({ labels })).toMatchObject({ notes: [] });
    const bodies = bench.server.requests.slice(3, 5).map(({ url, body }) => [url, body]);
    expect(bodies).toEqual([
      [
        `/v1/sims/${SIM_ID}/tags`,
        '[{"tagName":"name","tagValue":"sensor"},{"tagName":"site","tagValue":"osaka"}]',
      ],
      [`/v1/sims/${SIM_ID}/set_group`, '{"groupId":"g-1"}'],
    ]);
  });

  it('cause a note with the permission, not a failure, if they may not be set', async () => {
    bench.answering(`PUT /v1/sims/${SIM_ID}/tags`, json({ code: 'X', message: 'no' }, 403));
    const { notes } = await bench.run({ labels });
    expect(notes.join('\n')).toMatch(
      /could not set the tags of SIM \d+ \(name, site\)[\s\S]*Sim:putSimTags[\s\S]*Try again/,
    );
    expect(bench.count(`POST /v1/sims/${SIM_ID}/set_group`)).toBe(1);
  });

  it('are refused before a SIM is created if the group does not exist', async () => {
    bench.answering('GET /v1/groups/g-1', json({ code: 'X', message: 'none' }, 404));
    expect(await failureOf(bench.run({ labels }))).toMatchObject({
      kind: 'usage',
      message: 'group g-1 does not exist: HTTP 404, X: none',
      next: ['Nothing was created or changed.', expect.stringMatching(/^Copy the ID /)],
    });
    expect(bench.count(CREATE_SIM)).toBe(0);
    expect(bench.steps).toBeUndefined();
  });
});

describe('an existing arc.json', () => {
  it('gets a new session and keeps the rest, including unknown fields', async () => {
    const before = JSON.parse(SAMPLE) as Record<string, object>;
    const text = sampleWith({
      note: 'mine',
      arcSessionStatus: { ...before.arcSessionStatus, vpgId: 'v' },
    });
    bench.files.texts.set(TARGET, text);
    const result = await bench.run();
    expect(result).toMatchObject({ created: false, simId: '8942310022000012345' });
    expect(JSON.parse(bench.files.texts.get(TARGET) ?? '')).toEqual({
      ...before,
      note: 'mine',
      arcSessionStatus: { ...SESSION, vpgId: 'v' },
    });
    expect(bench.server.calls).toEqual([
      'POST /v1/auth',
      'POST /v1/sims/8942310022000012345/sessions/arc',
      'POST /v1/auth/logout',
    ]);
    expect(bench.server.requests[1]?.body).toBe('{}');
  });

  it.each([
    ['another key', OWN_PUBLIC_KEY, 1],
    ['the same key', SAMPLE_PUBLIC_KEY, 0],
    ['no key', undefined, 0],
  ])('keeps its key, with a note if it is not the SIM’s: %s', async (_, simKey, count) => {
    bench.files.texts.set(TARGET, SAMPLE);
    const session = { ...SESSION, arcClientPeerPublicKey: simKey };
    bench.answering('POST /v1/sims/8942310022000012345/sessions/arc', json(session));
    const { notes } = await bench.run();
    expect(notes).toHaveLength(count);
    for (const note of notes) {
      expect(note).toMatch(/^The key in arc\.json is not the key of SIM 8942310022000012345, /);
      expect(note).toContain('`arctun sim renew-key`');
    }
    expect(JSON.parse(bench.files.texts.get(TARGET)!)).toMatchObject({ privateKey: PRIVATE_KEY });
    expect(bench.files.texts.get(TARGET)).not.toContain('arcClientPeerPublicKey');
  });

  it.each([400, 404])('says how to get another SIM if its own is gone: %d', async (status) => {
    bench.files.texts.set(TARGET, SAMPLE);
    const gone = json({ code: 'X', message: 'The SIM is terminated.' }, status);
    bench.answering('POST /v1/sims/8942310022000012345/sessions/arc', gone);
    const error = await failureOf(bench.run());
    expect(error.kind).toBe('api');
    expect(error.next.at(-1)).toMatch(
      /^If that SIM no longer exists, move .*arc\.json elsewhere, or choose another file with --config\. Bootstrap will then create a new SIM, which will be billed\.$/,
    );
  });

  it('has its session in the state folder if it cannot be written, and reports that', async () => {
    bench.files.texts.set(TARGET, SAMPLE);
    bench.files.failures.set(`proveWritable ${TARGET}`, new FileError('denied', TARGET, 'no'));
    bench.files.failures.set(`replaceText ${TARGET}`, new FileError('denied', TARGET, 'no'));
    const { notes, path } = await bench.run();
    expect(path).toBe('/state/session-8942310022000012345.json');
    expect(notes.join(' ')).toContain(path);
    expect(bench.files.texts.get('/state/session-8942310022000012345.json')).toContain('10.9.8.7');
    expect(bench.files.texts.get(TARGET)).toBe(SAMPLE);
  });

  it.each([
    ['broken', '{"privateKey": ', 'found the end of the text'],
    ['empty', '', 'found the end of the text'],
    ['faulty', sampleWith({ mtu: '1420' }), 'mtu: found "1420"'],
    ['the skeleton', formatArcConfig(skeletonArcConfig('linux')), 'it is a template'],
    ['without a key', sampleWith({ privateKey: null }), 'has no private key'],
    ['without a simId', sampleWith({ simId: '' }), 'simId is missing'],
  ])('is refused if it is %s, and nothing is created', async (_, text, why) => {
    bench.files.texts.set(TARGET, text);
    const error = await failureOf(bench.run());
    expect(error.kind).toBe('configuration');
    expect(error.what).toBe(`cannot use ${TARGET}`);
    expect(error.why).toContain(why);
    expect(error.next.join(' ')).toContain('move the file elsewhere');
    expect(bench.server.calls).toEqual([]);
    expect(bench.files.texts.get(TARGET)).toBe(text);
  });

  it('is refused if it belongs to a different SIM than that of --adopt', async () => {
    bench.files.texts.set(TARGET, SAMPLE);
    expect(await failureOf(bench.run({ adopt: SIM_ID }))).toMatchObject({ kind: 'usage' });
    expect(bench.server.calls).toEqual([]);
  });
});

it('has the key of an adopted SIM in the journal before SORACOM receives it', async () => {
  let journal: string[] = [];
  bench.answering(RENEW, (response, request) => {
    journal = [...bench.journals.lines.get('arc.json')!];
    json({ arcClientPeerPublicKey: OWN_PUBLIC_KEY })(response, request);
  });
  await bench.run({ adopt: SIM_ID });
  expect(journal).toHaveLength(1);
  expect(journal[0]).toContain(OWN_PRIVATE_KEY);
});

describe('before the first call', () => {
  it('the target is checked to be writable', async () => {
    bench.files.onCall = (call) => {
      if (call.startsWith('proveWritable')) expect(bench.server.calls).toEqual([]);
    };
    await bench.run();
    expect(bench.files.calls).toContain(`proveWritable ${TARGET}`);
  });

  it.each(['denied', 'no-folder', 'failed'] as const)(
    'a target that is %s stops the run',
    async (why) => {
      bench.files.failures.set(`proveWritable ${TARGET}`, new FileError(why, TARGET, 'the reason'));
      const error = await failureOf(bench.run());
      expect(error.why).toBe('it cannot be written: the reason');
      expect(bench.server.calls).toEqual([]);
    },
  );

  it('a running bootstrap of the same file stops it', async () => {
    bench.journals.lines.set('arc.json', [
      '{"step":"create-sim","since":0,"clock":"platform","endpoint":"https://x","ownKey":false}',
    ]);
    bench.journals.runningProcess = 4711;
    const error = await failureOf(bench.run());
    expect(error.why).toContain('process 4711');
    expect(bench.server.calls).toEqual([]);
  });

  it('a bootstrap that started and finished meanwhile stops it', async () => {
    bench.answering('POST /v1/auth', (response, request) => {
      bench.files.texts.set(TARGET, 'of another run');
      json({ apiKey: 'api-1', token: 'token-1' })(response, request);
    });
    expect((await failureOf(bench.run())).why).toContain(
      'another process has just created this file',
    );
    expect(bench.count(CREATE_SIM)).toBe(0);
    expect(bench.steps).toBeUndefined();
  });

  it('--adopt does not replace the key in a file that appeared meanwhile', async () => {
    bench.answering('POST /v1/auth', (response, request) => {
      bench.files.texts.set(TARGET, 'of another run');
      json({ apiKey: 'api-1', token: 'token-1' })(response, request);
    });
    expect((await failureOf(bench.run({ adopt: SIM_ID }))).why).toContain(
      'another process has just created this file',
    );
    expect(bench.count(RENEW)).toBe(0);
    expect(bench.steps).toBeUndefined();
  });
});

describe('if the new file cannot be written', () => {
  it('its key is in the journal, and the next run finishes it', async () => {
    bench.files.failures.set(`replaceText ${TARGET}`, FULL);
    const error = await failureOf(bench.run());
    expect(error).toMatchObject({ kind: 'failed', cause: FULL });
    expect(error.what).toContain(`SIM ${SIM_ID} was created`);
    expect(error.next.join(' ')).toContain('arc.json.bootstrap');
    expect(bench.steps).toEqual(['create-sim', 'created']);

    bench.files.failures.clear();
    const result = await bench.run();
    expect(result).toMatchObject({ simId: SIM_ID, created: true });
    expect(result.notes[0]).toContain(
      `Finished the setup of SIM ${SIM_ID}, which an earlier run had created`,
    );
    expect(bench.files.texts.get(TARGET)).toBe(whole());
    expect(bench.count(CREATE_SIM)).toBe(1);
    expect(bench.steps).toBeUndefined();
  });

  it('it is stored in the rescue folder if the journal cannot be written either', async () => {
    bench.journals.failures.set('append', new FileError('failed', '/j', 'gone'));
    bench.files.failures.set(`replaceText ${TARGET}`, FULL);
    const error = await rescueOf(bench.run());
    expect(error).toMatchObject({ simId: SIM_ID, rescuePath: RESCUE, cause: FULL });
    expect(error.arcJson).toBeUndefined();
    expect(error.next[0]).toContain(RESCUE);
    expect(bench.files.texts.get(RESCUE)).toBe(whole());
    // The next run names the file; a journal without a SIM would mislead it.
    expect(bench.steps).toBeUndefined();
  });

  it('a file that another run has created meanwhile is not overwritten', async () => {
    bench.answering(CREATE_SIM, (response, request) => {
      bench.files.texts.set(TARGET, 'of another run');
      json(SIM, 201)(response, request);
    });
    const error = await failureOf(bench.run());
    expect(error.why).toBe('another process has just created this file');
    expect(bench.files.texts.get(TARGET)).toBe('of another run');
    expect(bench.journals.lines.get('arc.json')!.at(-1)).toContain(PRIVATE_KEY);
  });
});

it('a signal during createSim does not lose the key', async () => {
  const controller = new AbortController();
  bench.answering(CREATE_SIM, (response, request) => {
    controller.abort(new Error('stopped'));
    json(SIM, 201)(response, request);
  });
  await bench.run({}, { signal: controller.signal });
  expect(bench.files.texts.get(TARGET)).toBe(whole());
});
