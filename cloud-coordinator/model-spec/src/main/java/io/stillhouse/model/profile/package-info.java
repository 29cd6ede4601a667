/** What a device is and can do, and which devices are alike for tailoring. */
@org.jspecify.annotations.NullMarked
package io.stillhouse.model.profile;
