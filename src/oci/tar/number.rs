//! Numbers in headers: octal digits, or base 256 where the first bit says so (GNU).

/// None for what is neither.
pub(super) fn number(field: &[u8]) -> Option<u64> {
    let (first, rest) = field.split_first()?;
    if first & 0x80 != 0 {
        // The second bit says that it is negative.
        let start = (first & 0x40 == 0).then_some(u64::from(first & 0x3f))?;
        return rest.iter().try_fold(start, |number, byte| {
            number.checked_mul(256)?.checked_add(u64::from(*byte))
        });
    }
    let text = field.split(|byte| *byte == 0).next()?.trim_ascii();
    text.iter().try_fold(0_u64, |number, digit| {
        let digit = char::from(*digit).to_digit(8)?;
        number.checked_mul(8)?.checked_add(u64::from(digit))
    })
}
