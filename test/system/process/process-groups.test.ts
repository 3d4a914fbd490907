import { jest } from '@jest/globals';

import {
  killGroups,
  processGroups,
  signalGroup,
} from '../../../src/system/process/process-groups.js';

const kill = jest.spyOn(process, 'kill').mockReturnValue(true);
beforeEach(() => kill.mockReset().mockReturnValue(true));
afterAll(() => kill.mockRestore());

it('signals every process of a group', () => {
  signalGroup(7, 'SIGTERM');
  expect(kill.mock.calls).toEqual([[-7, 'SIGTERM']]);
});

it('ignores a group that no longer exists', () => {
  kill.mockImplementation(() => {
    throw new Error('ESRCH');
  });
  expect(() => signalGroup(7, 'SIGTERM')).not.toThrow();
});

it('terminates its groups once', () => {
  processGroups.add(8);
  killGroups();
  killGroups();
  expect(kill.mock.calls).toEqual([[-8, 'SIGKILL']]);
});
