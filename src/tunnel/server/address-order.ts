/** Returns 6 for a string with a colon; callers never pass ports or names. */
export function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}

/**
 * Returns the order in which to try addresses (RFC 8305 4). Families alternate, starting with that
 * of the resolver's first address, and each family keeps its order. Duplicates are removed.
 */
export function happyEyeballsOrder(addresses: readonly string[]): string[] {
  const unique = [...new Set(addresses)];
  const isFirst = (address: string) => familyOf(address) === familyOf(unique[0] ?? '');
  const first = unique.filter(isFirst);
  const second = unique.filter((address) => !isFirst(address));
  const order: string[] = [];
  for (let place = 0; place < Math.max(first.length, second.length); place++) {
    order.push(...first.slice(place, place + 1), ...second.slice(place, place + 1));
  }
  return order;
}
