import { withEagerModules } from '../../../tools/bundle/eager-modules.js';

const eager = withEagerModules as (code: string) => string;

it('puts each module of a bundle in parentheses, but nothing inside it', () => {
  const code = 'var a,b=w(()=>{"use strict";a=f(()=>1)});var c=m((e,t)=>{t.exports={}}),d;b();';
  expect(eager(code)).toBe(
    'var a,b=w((()=>{"use strict";a=f(()=>1)}));var c=m(((e,t)=>{t.exports={}})),d;b();',
  );
});

it('does not change other code', () => {
  const code = 'var a=b((c)=>c,1),d=e(f),g=h,i=()=>1,j=k();function l(){var m=w(()=>{})}w(()=>{});';
  expect(eager(code)).toBe(code);
});
