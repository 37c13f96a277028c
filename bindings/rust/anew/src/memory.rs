// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! The host's way into a guest's memory.

use crate::error::Result;
use crate::pending;
use anew_sys as sys;
use std::marker::PhantomData;
use std::{fmt, ptr, slice};

/// A linear memory, for reading. While it is there the guest does not run: it borrows the [`Lease`](crate::Lease) or
/// [`Caller`](crate::Caller) that it comes from. Every access is checked against the memory's size now.
///
/// ```compile_fail,E0505
/// # fn f(lease: anew::Lease) -> anew::Result<()> {
/// let memory = lease.memory()?;
/// lease.release(); // what the memory is of
/// memory.size();
/// # Ok(()) }
/// ```
pub struct Memory<'a> {
    raw: sys::anew_memory_t,
    _guest_waits: PhantomData<&'a ()>,
    _one_thread: PhantomData<*const ()>,
}

impl fmt::Debug for Memory<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("size", &self.size()).finish()
    }
}

impl<'a> Memory<'a> {
    /// # Safety
    /// A view of a memory that no guest runs on, that nobody grows and that is written to only through what comes from
    /// this, while 'a lasts.
    pub(crate) unsafe fn new(raw: sys::anew_memory_t) -> Memory<'a> {
        Memory { raw, _guest_waits: PhantomData, _one_thread: PhantomData }
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        // The view is good.
        unsafe { sys::anew_memory_size(&self.raw) }
    }

    /// The bytes `[address, address + count)`. @return `Argument` if they are not all inside the memory.
    pub fn bytes(&self, address: u64, count: usize) -> Result<&'a [u8]> {
        if count == 0 {
            // Of the address, without a pointer that may be null.
            let mut start = ptr::null();
            unsafe { pending::check(sys::anew_memory_view(&self.raw, address, 0, &mut start))? };
            return Ok(&[]);
        }
        let mut start = ptr::null();
        // Inside the memory, which stays as it is while 'a lasts.
        unsafe {
            pending::check(sys::anew_memory_view(&self.raw, address, count as u64, &mut start))?;
            Ok(slice::from_raw_parts(start, count))
        }
    }

    /// So many bytes as an array, for `u32::from_le_bytes` and its siblings. @return `Argument` as [`Memory::bytes`].
    pub fn read<const N: usize>(&self, address: u64) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.bytes(address, N)?);
        Ok(bytes)
    }
}

/// A linear memory, for reading and writing. It borrows the [`Lease`](crate::Lease) or [`Caller`](crate::Caller) that it
/// comes from alone. What it hands out for writing is marked, so that the reset restores it.
///
/// Bytes that may be written are gone before the guest runs again:
///
/// ```compile_fail,E0499
/// # fn f(lease: &mut anew::Lease, next: &anew::TypedFunction<(), u32>) -> anew::Result<()> {
/// let mut memory = lease.memory_mut()?;
/// let bytes = memory.bytes_mut(0, 4)?;
/// lease.call(next, ())?; // the guest runs
/// bytes[0] = 1; // and this would escape the reset
/// # Ok(()) }
/// ```
pub struct MemoryMut<'a> {
    raw: sys::anew_memory_t,
    _guest_waits: PhantomData<&'a mut ()>,
    _one_thread: PhantomData<*const ()>,
}

impl fmt::Debug for MemoryMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryMut").field("size", &self.size()).finish()
    }
}

impl<'a> MemoryMut<'a> {
    /// # Safety
    /// A view of a memory that no guest runs on, and that is reached only through this, while 'a lasts.
    pub(crate) unsafe fn new(raw: sys::anew_memory_t) -> MemoryMut<'a> {
        MemoryMut { raw, _guest_waits: PhantomData, _one_thread: PhantomData }
    }

    /// For reading, as long as nothing is written.
    pub fn shared(&self) -> Memory<'_> {
        // This is borrowed as long.
        unsafe { Memory::new(self.raw) }
    }
    /// In bytes.
    pub fn size(&self) -> u64 {
        self.shared().size()
    }
    /// The bytes `[address, address + count)`. @return `Argument` if they are not all inside the memory.
    pub fn bytes(&self, address: u64, count: usize) -> Result<&[u8]> {
        self.shared().bytes(address, count)
    }
    /// So many bytes as an array. @return `Argument` as [`MemoryMut::bytes`].
    pub fn read<const N: usize>(&self, address: u64) -> Result<[u8; N]> {
        self.shared().read(address)
    }

    /// The same for writing: marks the range as written, so ask for what will be written and no more.
    pub fn bytes_mut(&mut self, address: u64, count: usize) -> Result<&mut [u8]> {
        let mut start = ptr::null_mut();
        // Inside the memory, and this is borrowed alone as long as the slice lives.
        unsafe {
            pending::check(sys::anew_memory_view_writable(&self.raw, address, count as u64, &mut start))?;
            if count == 0 {
                return Ok(&mut []);
            }
            Ok(slice::from_raw_parts_mut(start, count))
        }
    }

    /// Writes bytes. @return `Argument`, writing nothing, if they are not all inside the memory.
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<()> {
        self.bytes_mut(address, bytes.len())?.copy_from_slice(bytes);
        Ok(())
    }

    /// Grows by pages of 64 KiB. @return the old size in pages, or `Resource` if the maximum or the system refuses.
    pub fn grow(&mut self, pages: u64) -> Result<u64> {
        let mut old_pages = 0;
        // This is borrowed alone: nobody has a slice.
        unsafe { pending::check(sys::anew_memory_grow(&self.raw, pages, &mut old_pages))? };
        Ok(old_pages)
    }
}
