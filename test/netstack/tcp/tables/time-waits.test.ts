import type { Tcb } from '../../../../src/netstack/tcp/tcb.js';
import { TimeWaits } from '../../../../src/netstack/tcp/tables/time-waits.js';
import { loneTcb, NotingHost } from '../lone-tcb.js';

/** Adds `count` connections of a host that, like the TCP layer, removes ended connections here. */
function waiting(timeWaits: TimeWaits, count: number): Tcb[] {
  const host = Object.assign(new NotingHost(), { remove: (tcb: Tcb) => timeWaits.remove(tcb) });
  return Array.from({ length: count }, () => {
    const { tcb } = loneTcb('TIME-WAIT', {}, host);
    timeWaits.add(tcb);
    return tcb;
  });
}

const states = (tcbs: readonly Tcb[]) => tcbs.map(({ state }) => state);

it('evicts only the oldest if there is one too many', () => {
  const timeWaits = new TimeWaits(3);
  const tcbs = waiting(timeWaits, 4);
  expect(states(tcbs)).toEqual(['CLOSED', 'TIME-WAIT', 'TIME-WAIT', 'TIME-WAIT']);
  expect(tcbs[0]!.closedDue).toBe('normal');
  expect(timeWaits.size).toBe(3);
  waiting(timeWaits, 1);
  expect(states(tcbs)).toEqual(['CLOSED', 'CLOSED', 'TIME-WAIT', 'TIME-WAIT']);
});

it('keeps no connection with a limit of zero', () => {
  const timeWaits = new TimeWaits(0);
  expect(states(waiting(timeWaits, 1))).toEqual(['CLOSED']);
  expect(timeWaits.size).toBe(0);
});
