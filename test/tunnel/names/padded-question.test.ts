import dnsPacket from 'dns-packet';

import { encodePaddedQuestion, isResponseTo } from '../../../src/tunnel/names/padded-question.js';

const QUESTION = { id: 0xab12, name: 'uni.soracom.io', type: 'A' } as const;

it.each([60, 548, 1392])('encodes a query of exactly %i bytes', (length) => {
  const bytes = encodePaddedQuestion(QUESTION, length);
  expect(bytes).toHaveLength(length);
  const { id, questions, additionals } = dnsPacket.decode(Buffer.from(bytes));
  expect(id).toBe(QUESTION.id);
  expect(questions).toMatchObject([{ name: QUESTION.name, type: 'A' }]);
  expect(additionals).toMatchObject([{ type: 'OPT', udpPayloadSize: 1232 }]);
  expect(additionals).toHaveLength(1);
});

it('refuses a length that the query alone exceeds', () => {
  expect(() => encodePaddedQuestion(QUESTION, 20)).toThrow(RangeError);
});

it('accepts any response with the ID, even one with an error, but not a query', () => {
  const response = Uint8Array.of(0xab, 0x12, 0x80, 0x01);
  expect(isResponseTo(response, QUESTION.id)).toBe(true);
  expect(isResponseTo(response, 0xab13)).toBe(false);
  expect(isResponseTo(Uint8Array.of(0xab, 0x12, 0x00), QUESTION.id)).toBe(false);
  expect(isResponseTo(new Uint8Array(), 0)).toBe(false);
});
