import { Groups, MAX_GROUPS } from '../../src/emulator/groups.js';
import { FakeWallClock, seededEntropy } from './fakes.js';

const CONTENT = { operatorId: 'OP0000000000', tags: new Map([['name', 'a']]), configuration: {} };

it('are created with an ID and a time, and stored', () => {
  const wallClock = new FakeWallClock();
  const groups = new Groups(seededEntropy(), wallClock);
  const group = groups.create(CONTENT)!;
  expect(group).toEqual({
    ...CONTENT,
    groupId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    createdTime: wallClock.now,
  });
  const second = groups.create(CONTENT)!;
  expect(groups.get(group.groupId)).toBe(group);
  expect(groups.all()).toEqual([group, second]);
  expect(groups.get('x')).toBeUndefined();
});

it('have a limit', () => {
  const groups = new Groups(seededEntropy(), new FakeWallClock());
  for (let count = 0; count < MAX_GROUPS; count++) expect(groups.create(CONTENT)).toBeDefined();
  expect(groups.create(CONTENT)).toBeUndefined();
});

it('are restored unchanged', () => {
  const first = new Groups(seededEntropy(), new FakeWallClock());
  const group = first.create(CONTENT)!;
  const second = new Groups(seededEntropy(), new FakeWallClock());
  second.restore(first.all());
  expect(second.get(group.groupId)).toBe(group);
});
