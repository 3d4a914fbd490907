import { encodeBody, type Message, MessageStore } from '../../src/emulator/messages.js';

function message(simId: string, body: string): Message {
  return {
    protocol: 'http',
    simId,
    at: '2026-01-02T03:04:05.000Z',
    method: 'POST',
    path: '/',
    headers: {},
    body,
    bodyEncoding: 'utf8',
    bytes: body.length,
    truncated: false,
  };
}

const bodies = (messages: readonly Message[]) => messages.map(({ body }) => body);

describe('MessageStore', () => {
  it('lists messages in the order of arrival, all of them or those of one SIM', () => {
    const store = new MessageStore();
    store.add(message('1', 'a'));
    store.add(message('2', 'b'));
    store.add(message('1', 'c'));
    expect(bodies(store.all())).toEqual(['a', 'b', 'c']);
    expect(bodies(store.of('1'))).toEqual(['a', 'c']);
    expect(store.of('3')).toEqual([]);
  });

  it('drops the oldest message above its limit', () => {
    const store = new MessageStore({ messages: 2, bodyCharacters: 100 });
    for (const body of ['a', 'b', 'c']) store.add(message('1', body));
    expect(bodies(store.all())).toEqual(['b', 'c']);
  });

  it('drops as many of the oldest messages as the new body needs space', () => {
    const store = new MessageStore({ messages: 100, bodyCharacters: 5 });
    store.add(message('1', 'aa'));
    store.add(message('1', 'bb'));
    store.add(message('1', 'c'));
    expect(bodies(store.all())).toEqual(['aa', 'bb', 'c']);
    store.add(message('1', 'ddd'));
    expect(bodies(store.all())).toEqual(['c', 'ddd']);
    store.add(message('1', 'e'));
    expect(bodies(store.all())).toEqual(['c', 'ddd', 'e']);
  });

  it('stores up to a thousand messages and 16 MiB of bodies', () => {
    const many = new MessageStore();
    for (let count = 0; count < 1001; count++) many.add(message('1', ''));
    expect(many.all()).toHaveLength(1000);
    const large = new MessageStore();
    for (let count = 0; count < 17; count++) large.add(message('1', 'x'.repeat(1024 * 1024)));
    expect(large.all()).toHaveLength(16);
  });
});

describe('encodeBody', () => {
  const utf8 = (text: string) => new TextEncoder().encode(text);

  it('returns UTF-8 as text, including a byte order mark', () => {
    expect(encodeBody(utf8('\ufeff温度'), 9)).toEqual({
      body: '\ufeff温度',
      bodyEncoding: 'utf8',
      bytes: 9,
      truncated: false,
    });
  });

  it('returns other bytes as base64', () => {
    expect(encodeBody(Uint8Array.of(0xff, 0xfe, 0), 3)).toEqual({
      body: '//4A',
      bodyEncoding: 'base64',
      bytes: 3,
      truncated: false,
    });
  });

  it('omits a character that was cut in two', () => {
    const kept = utf8('ab温').subarray(0, 4);
    expect(encodeBody(kept, 5)).toEqual({
      body: 'ab',
      bodyEncoding: 'utf8',
      bytes: 5,
      truncated: true,
    });
  });

  it('returns an incomplete character in a whole body as base64', () => {
    const whole = utf8('ab温').subarray(0, 4);
    expect(encodeBody(whole, 4)).toMatchObject({ bodyEncoding: 'base64', truncated: false });
  });
});
