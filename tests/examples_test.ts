/** The worked examples for those who bring a part of their own, run as they stand. */
import "../fixtures/examples/own_disk_test.ts";
import "../fixtures/examples/own_kernel_test.ts";
