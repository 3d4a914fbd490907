import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';

import { eventText, MAX_WAITING_BYTES, Viewers } from '../../../src/emulator/page/viewers.js';

/** A response whose client reads nothing if `writableLength` is large. */
class FakeResponse extends EventEmitter {
  writableLength = 0;
  text = '';
  writeHead(): this {
    return this;
  }
  write(text: string): void {
    this.text += text;
  }
  destroy(): void {
    this.emit('close');
  }
}

const add = (viewers: Viewers): FakeResponse => {
  const response = new FakeResponse();
  viewers.add(response as unknown as ServerResponse, 'first ');
  return response;
};

it('disconnects only a page that does not read the events', () => {
  const counts: number[] = [];
  const viewers = new Viewers((count) => counts.push(count));
  const [reader, stopped] = [add(viewers), add(viewers)];
  stopped.writableLength = MAX_WAITING_BYTES;
  viewers.send('one ');
  stopped.writableLength = MAX_WAITING_BYTES + 1;
  viewers.send('two ');
  viewers.send('three');
  expect(reader.text).toBe('first one two three');
  expect(stopped.text).toBe('first one ');
  expect(counts).toEqual([1, 2, 1]);
});

it('formats an event on one line', () => {
  expect(eventText('news', { rows: 'a\nb\r\n\nevent: x' })).toBe(
    'event: news\ndata: {"rows":"a\\nb\\r\\n\\nevent: x"}\n\n',
  );
});
