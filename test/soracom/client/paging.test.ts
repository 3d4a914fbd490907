import { ApiError } from '../../../src/soracom/api-error.js';
import { LIST_SIMS } from '../../../src/soracom/client/operations.js';
import { pathOfPage, readPages, type Page } from '../../../src/soracom/client/paging.js';

function pages(...all: Omit<Page<number>, 'status'>[]) {
  const keys: (string | undefined)[] = [];
  const read = (key: string | undefined) => {
    keys.push(key);
    const page = all[keys.length - 1];
    return page ? Promise.resolve({ ...page, status: 200 }) : Promise.reject(new Error('too far'));
  };
  return { keys, read };
}

async function faultOf(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ApiError) return error;
  throw new Error('no ApiError', { cause: error });
}

it('continues until a page has no next key, even after short or empty pages', async () => {
  const { keys, read } = pages(
    { items: [1], nextKey: 'a' },
    { items: [], nextKey: 'b' },
    { items: [2, 3], nextKey: undefined },
  );
  expect(await readPages(LIST_SIMS, read)).toEqual([1, 2, 3]);
  expect(keys).toEqual([undefined, 'a', 'b']);
});

it('stops as soon as it has enough', async () => {
  const { keys, read } = pages({ items: [1], nextKey: 'a' }, { items: [2, 3], nextKey: 'b' });
  expect(await readPages(LIST_SIMS, read, 3)).toEqual([1, 2, 3]);
  expect(keys).toHaveLength(2);
});

it('refuses pages that form a cycle', async () => {
  const { keys, read } = pages(
    { items: [1], nextKey: 'a' },
    { items: [2], nextKey: 'b' },
    { items: [3], nextKey: 'a' },
  );
  const error = await faultOf(readPages(LIST_SIMS, read));
  expect(error).toMatchObject({ failure: 'unintelligible', status: 200, simMayExist: false });
  expect(error.message).toBe(
    'cannot list the SIMs: HTTP 200, but the pages of the list form a loop',
  );
  expect(keys).toHaveLength(3);
});

it('refuses more than a thousand pages', async () => {
  let count = 0;
  const read = () => Promise.resolve({ items: [1], status: 200, nextKey: `k${count++}` });
  expect((await faultOf(readPages(LIST_SIMS, read))).why).toContain('1000 pages, 1000 items');
  expect(count).toBe(1000);
});

it('appends the key to a path with and without a query', () => {
  expect(pathOfPage('/sims', undefined)).toBe('/sims');
  expect(pathOfPage('/sims', 'a/b&c')).toBe('/sims?last_evaluated_key=a%2Fb%26c');
  expect(pathOfPage('/sims?limit=1', 'k')).toBe('/sims?limit=1&last_evaluated_key=k');
});
