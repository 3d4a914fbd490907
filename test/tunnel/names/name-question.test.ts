import dnsPacket, { type Packet } from 'dns-packet';

import {
  encodeQuestion,
  type NameQuestion,
  readAnswer,
} from '../../../src/tunnel/names/name-question.js';

const QUESTION: NameQuestion = { id: 77, name: 'one.test', type: 'A' };
const ASKED = { type: 'A', name: 'one.test', class: 'IN' } as const;

function a(name: string, data: string, ttl = 60) {
  return { type: 'A', name, data, ttl, class: 'IN' } as const;
}

function answer(change: Packet = {}) {
  const packet: Packet = { type: 'response', id: 77, questions: [ASKED], ...change };
  return readAnswer(dnsPacket.encode(packet), QUESTION);
}

it('asks one question, with recursion desired', () => {
  const packet = dnsPacket.decode(Buffer.from(encodeQuestion(QUESTION)));
  expect(packet).toMatchObject({ id: 77, type: 'query', flag_rd: true, questions: [ASKED] });
});

it('returns the addresses in their original order, with the shortest TTL', () => {
  const answers = [
    a('ONE.test', '10.0.0.2', 30),
    a('one.test', '10.0.0.1'),
    a('x.test', '10.9.9.9'),
  ];
  expect(answer({ answers })).toEqual({
    kind: 'addresses',
    addresses: ['10.0.0.2', '10.0.0.1'],
    ttl: 30_000,
  });
});

it('follows aliases, includes their TTLs, and ends at a loop', () => {
  const alias = (name: string, data: string, ttl: number) =>
    ({ type: 'CNAME', name, data, ttl, class: 'IN' }) as const;
  const answers = [
    a('c.test', '10.0.0.1'),
    alias('b.test', 'c.test', 5),
    alias('one.test', 'b.test', 9),
  ];
  expect(answer({ answers })).toEqual({ kind: 'addresses', addresses: ['10.0.0.1'], ttl: 5_000 });
  const round = [alias('one.test', 'b.test', 5), alias('b.test', 'one.test', 5)];
  expect(answer({ answers: round })).toMatchObject({ addresses: [] });
});

it('caches an empty answer for the time in the SOA, but not without an SOA', () => {
  const data = { mname: 'm', rname: 'r', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 20 };
  const soa = { type: 'SOA', name: 'test', ttl: 300, data } as const;
  expect(answer({ flags: 3, authorities: [soa] })).toEqual({
    kind: 'addresses',
    addresses: [],
    ttl: 20_000,
  });
  expect(answer({ flags: 3 })).toMatchObject({ addresses: [], ttl: 0 });
  expect(answer()).toMatchObject({ addresses: [], ttl: 0 });
});

it('reports truncated and failed answers', () => {
  expect(answer({ flags: dnsPacket.TRUNCATED_RESPONSE })).toEqual({ kind: 'truncated' });
  expect(answer({ flags: 2 })).toEqual({ kind: 'failed', rcode: 'SERVFAIL' });
});

it.each<[string, Packet]>([
  ['to another question', { id: 78 }],
  ['for another name', { questions: [{ ...ASKED, name: 'two.test' }] }],
  ['for another type', { questions: [{ ...ASKED, type: 'AAAA' }] }],
  ['for another class', { questions: [{ ...ASKED, class: 'CH' }] }],
  ['without the question', { questions: [] }],
  ['that is a query', { type: 'query' }],
])('rejects an answer %s', (_name, change) => {
  expect(answer({ answers: [a('one.test', '10.0.0.1')], ...change })).toBeUndefined();
});

describe('compressed names (RFC 1035 4.1.4)', () => {
  /** A header with one question for one.test, one answer, and what the test makes of it. */
  const head = '004d80000001000100000000' + '036f6e65047465737400' + '00010001';
  const record = '00010001' + '0000003c' + '0004' + '0a000001';
  const read = (name: string) => readAnswer(Buffer.from(head + name + record, 'hex'), QUESTION);

  it('are followed backwards', () => {
    expect(read('c00c')).toMatchObject({ addresses: ['10.0.0.1'] });
    expect(read('036f6e65c010')).toMatchObject({ addresses: ['10.0.0.1'] });
  });

  it.each([
    ['to themselves', 'c01a'],
    ['to themselves after a label', '0161c01a'],
    ['forwards', 'c01c'],
    ['beyond the end', 'c0ff'],
    ['into the header', 'c000'],
    ['with a reserved length', '8061'],
  ])('are rejected if they point %s', (_name, name) => {
    const answer = read(name);
    expect(
      answer === undefined || (answer.kind === 'addresses' && answer.addresses.length === 0),
    ).toBe(true);
  });

  it('are not read if a message has more records than a server needs', () => {
    const answers = (count: number) => {
      const bytes = Buffer.from(head + `c00c${record}`.repeat(count), 'hex');
      bytes.writeUInt16BE(count, 6);
      return readAnswer(bytes, QUESTION);
    };
    expect(answers(256)).toMatchObject({ kind: 'addresses' });
    expect(answers(257)).toBeUndefined();
  });
});

it('ignores addresses of other names in any section', () => {
  const other = a('two.test', '10.6.6.6');
  const lies = { answers: [other], authorities: [a('one.test', '10.6.6.6')] };
  expect(answer({ ...lies, additionals: [a('one.test', '10.6.6.6')] })).toMatchObject({
    addresses: [],
    ttl: 0,
  });
});

it('never throws, whatever the server sends', () => {
  const whole = dnsPacket.encode({
    type: 'response',
    id: 77,
    questions: [ASKED],
    answers: [a('one.test', '10.0.0.1')],
  });
  for (let length = 0; length < whole.length; length++) {
    const cut = readAnswer(whole.subarray(0, length), QUESTION);
    expect(cut).toBeUndefined();
  }
  for (let index = 0; index < whole.length; index++) {
    for (const value of [0, 0x40, 0xc0, 0xff]) {
      const bytes = Buffer.from(whole);
      bytes[index] = value;
      readAnswer(bytes, QUESTION);
    }
  }
});
