;; Sums 16-bit words for the Internet checksum (RFC 1071), 64 or 32 bytes at a time. `npm run generate wasm`
;; compiles this file to checksum-code.ts.
;;
;; Each function returns the sum of the little-endian words in [start, end), as an unsigned integer. An
;; odd last byte is a word with a zero byte after it. At most 65,536 bytes: each of the four lanes
;; then stays below 2^30.
(module
  (import "packets" "memory" (memory 1))

  (func (export "sum") (param $start i32) (param $end i32) (result i32)
    (local $lanes v128)
    (local $others v128)
    (local $last i32)
    (local.set $last (i32.sub (local.get $end) (i32.const 64)))
    (block $done
      (loop $next
        (br_if $done (i32.gt_s (local.get $start) (local.get $last)))
        ;; Two accumulators are faster than one, because one addition need not wait for the other.
        (local.set $lanes (i32x4.add (local.get $lanes)
          (i32x4.extadd_pairwise_i16x8_u (v128.load (local.get $start)))))
        (local.set $others (i32x4.add (local.get $others)
          (i32x4.extadd_pairwise_i16x8_u (v128.load offset=16 (local.get $start)))))
        (local.set $lanes (i32x4.add (local.get $lanes)
          (i32x4.extadd_pairwise_i16x8_u (v128.load offset=32 (local.get $start)))))
        (local.set $others (i32x4.add (local.get $others)
          (i32x4.extadd_pairwise_i16x8_u (v128.load offset=48 (local.get $start)))))
        (local.set $start (i32.add (local.get $start) (i32.const 64)))
        (br $next)))
    (i32.add
      (call $total (i32x4.add (local.get $lanes) (local.get $others)))
      (call $rest (local.get $start) (local.get $end))))

  ;; Also copies the bytes to `to`. The two places must not overlap.
  (func (export "copyAndSum")
    (param $to i32) (param $start i32) (param $end i32) (result i32)
    (local $lanes v128)
    (local $others v128)
    (local $words v128)
    (local $last i32)
    (local.set $last (i32.sub (local.get $end) (i32.const 32)))
    (block $done
      (loop $next
        (br_if $done (i32.gt_s (local.get $start) (local.get $last)))
        (local.set $words (v128.load (local.get $start)))
        (v128.store (local.get $to) (local.get $words))
        (local.set $lanes (i32x4.add (local.get $lanes)
          (i32x4.extadd_pairwise_i16x8_u (local.get $words))))
        (local.set $words (v128.load offset=16 (local.get $start)))
        (v128.store offset=16 (local.get $to) (local.get $words))
        (local.set $others (i32x4.add (local.get $others)
          (i32x4.extadd_pairwise_i16x8_u (local.get $words))))
        (local.set $start (i32.add (local.get $start) (i32.const 32)))
        (local.set $to (i32.add (local.get $to) (i32.const 32)))
        (br $next)))
    (memory.copy
      (local.get $to) (local.get $start) (i32.sub (local.get $end) (local.get $start)))
    (i32.add
      (call $total (i32x4.add (local.get $lanes) (local.get $others)))
      (call $rest (local.get $start) (local.get $end))))

  (func $total (param $lanes v128) (result i32)
    (i32.add
      (i32.add
        (i32x4.extract_lane 0 (local.get $lanes)) (i32x4.extract_lane 1 (local.get $lanes)))
      (i32.add
        (i32x4.extract_lane 2 (local.get $lanes)) (i32x4.extract_lane 3 (local.get $lanes)))))

  ;; Sums the bytes that are left after the long steps, word by word.
  (func $rest (param $start i32) (param $end i32) (result i32)
    (local $sum i32)
    (local $last i32)
    (local.set $last (i32.sub (local.get $end) (i32.const 2)))
    (block $done
      (loop $next
        (br_if $done (i32.gt_s (local.get $start) (local.get $last)))
        (local.set $sum (i32.add (local.get $sum) (i32.load16_u (local.get $start))))
        (local.set $start (i32.add (local.get $start) (i32.const 2)))
        (br $next)))
    (if (i32.lt_s (local.get $start) (local.get $end))
      (then
        (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $start))))))
    (local.get $sum)))
