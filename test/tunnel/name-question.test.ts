import dnsPacket, { type Packet } from 'dns-packet';

import { encodeQuestion, type NameQuestion, readAnswer } from '../../src/tunnel/name-question.js';

const QUESTION: NameQuestion = { id: 77, name: 'one.test', type: 'A' };
const ASKED = { type: 'A', name: 'one.test', class: 'IN' } as const;

function a(name: string, data: string, ttl = 60) {
  return { type: 'A', name, data, ttl, class: 'IN' } as const;
}

function answer(change: Packet = {}) {
  const packet: Packet = { type: 'response', id: 77, questions: [ASKED], ...change };
  return readAnswer(dnsPacket.encode(packet), QUESTION);
}

it('asks for recursion, and for one thing', () => {
  const packet = dnsPacket.decode(Buffer.from(encodeQuestion(QUESTION)));
  expect(packet).toMatchObject({ id: 77, type: 'query', flag_rd: true, questions: [ASKED] });
});

it('gives the addresses in their order, for as long as the shortest holds', () => {
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

it('follows aliases, whose time counts as well, and ends where they go round', () => {
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

it('keeps that there is nothing for as long as the SOA says, and not without one', () => {
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

it('tells truncated and failed answers', () => {
  expect(answer({ flags: dnsPacket.TRUNCATED_RESPONSE })).toEqual({ kind: 'truncated' });
  expect(answer({ flags: 2 })).toEqual({ kind: 'failed', rcode: 'SERVFAIL' });
});

it.each<[string, Packet]>([
  ['of another question', { id: 78 }],
  ['for another name', { questions: [{ ...ASKED, name: 'two.test' }] }],
  ['for another type', { questions: [{ ...ASKED, type: 'AAAA' }] }],
  ['for another class', { questions: [{ ...ASKED, class: 'CH' }] }],
  ['without the question', { questions: [] }],
  ['that is a question', { type: 'query' }],
])('is no answer: one %s', (_name, change) => {
  expect(answer({ answers: [a('one.test', '10.0.0.1')], ...change })).toBeUndefined();
});

it('never throws at what a server sends', () => {
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
