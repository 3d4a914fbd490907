import { ReadyQueue } from '../../../../src/netstack/tcp/tables/ready-queue.js';
import type { Tcb } from '../../../../src/netstack/tcp/tcb.js';
import { loneTcb } from '../lone-tcb.js';

/** Three TCBs that toEqual() can distinguish. */
function three(): [Tcb, Tcb, Tcb] {
  return [numbered(1), numbered(2), numbered(3)];
}

function numbered(iss: number): Tcb {
  return loneTcb('ESTABLISHED', { iss }).tcb;
}

/** All TCBs in the queue, in order. */
function all(queue: ReadyQueue): Tcb[] {
  const tcbs: Tcb[] = [];
  for (let tcb = queue.shift(); tcb !== undefined; tcb = queue.shift()) tcbs.push(tcb);
  return tcbs;
}

it('serves connections in order of arrival', () => {
  const tcbs = three();
  const queue = new ReadyQueue();
  expect(queue.isEmpty).toBe(true);
  for (const tcb of tcbs) queue.push(tcb);
  expect(queue.isEmpty).toBe(false);
  expect(all(queue)).toEqual(tcbs);
  expect(queue.isEmpty).toBe(true);
});

it('holds each connection once', () => {
  const [first, second] = three();
  const queue = new ReadyQueue();
  for (const tcb of [first, second, first, second, second]) queue.push(tcb);
  expect(all(queue)).toEqual([first, second]);
});

it('adds a returning connection after the others', () => {
  const [first, second, third] = three();
  const queue = new ReadyQueue();
  queue.push(first);
  queue.push(second);
  expect(queue.shift()).toBe(first);
  queue.push(third);
  queue.push(first);
  expect(all(queue)).toEqual([second, third, first]);
});

it('works after it was empty', () => {
  const [first, second] = three();
  const queue = new ReadyQueue();
  queue.push(first);
  expect(all(queue)).toEqual([first]);
  queue.push(second);
  queue.push(first);
  expect(all(queue)).toEqual([second, first]);
});
