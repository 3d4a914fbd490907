import { TcpListener } from '../../../../src/netstack/tcp/open/listener.js';
import { ANY_ADDRESS, ListenerTable } from '../../../../src/netstack/tcp/tables/listener-table.js';

function listener(port: number): TcpListener {
  const unused = (): never => {
    throw new Error('nothing arrives here');
  };
  return new TcpListener({ port }, 1, unused, unused);
}

it('finds the listener of an address and a port', () => {
  const table = new ListenerTable();
  const [first, second, other] = [listener(80), listener(80), listener(81)];
  table.add(0, first);
  table.add(1, second);
  table.add(0, other);
  expect(table.find(0, 80)).toBe(first);
  expect(table.find(1, 80)).toBe(second);
  expect(table.find(0, 81)).toBe(other);
  expect(table.find(1, 81)).toBeUndefined();
  expect(table.find(2, 80)).toBeUndefined();
  expect(table.size).toBe(3);
  expect(table.all()).toEqual([first, second, other]);
});

it('refuses the same binding, and keeps the first (MUST-41)', () => {
  const table = new ListenerTable();
  const first = listener(8080);
  table.add(0, first);
  expect(() => table.add(0, listener(8080))).toThrow(new RangeError('TCP port 8080 is in use'));
  table.add(ANY_ADDRESS, listener(8080));
  expect(() => table.add(ANY_ADDRESS, listener(8080))).toThrow(RangeError);
  expect(table.find(0, 8080)).toBe(first);
  expect(table.size).toBe(2);
});

it('removes a listener, but not another one that replaced it', () => {
  const table = new ListenerTable();
  const [old, later] = [listener(80), listener(80)];
  table.add(0, old);
  table.remove(1, old);
  expect(table.find(0, 80)).toBe(old);
  table.remove(0, old);
  expect(table.find(0, 80)).toBeUndefined();
  table.add(0, later);
  table.remove(0, old);
  expect(table.find(0, 80)).toBe(later);
});

it('reports which addresses have their own listener', () => {
  const table = new ListenerTable();
  table.add(ANY_ADDRESS, listener(80));
  table.add(1, listener(0xffff));
  expect([0, 1, 2].map((index) => table.hasAt(index))).toEqual([false, true, false]);
});
