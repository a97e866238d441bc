package v1alpha1

import "time"

// Duration is a length of time in hours, minutes and seconds, such as 2160h or 1h30m; a day is 24h. It is text, and
// not metav1.Duration, so that the schema can limit its length and say what is wrong with it.
//
// No value that the schema admits overflows a time.Duration: two terms of six digits are the most that fit.
//
// +kubebuilder:validation:MinLength=2
// +kubebuilder:validation:MaxLength=16
// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}([.][0-9]{1,3})?[hms])+$')",message="must be a duration in hours, minutes or seconds, for example 2160h for 90 days, 24h, 90m or 0s"
type Duration string

// Or is the duration, or fallback if it is empty or not readable. The schema lets nobody store an unreadable one.
func (d Duration) Or(fallback time.Duration) time.Duration {
	parsed, err := time.ParseDuration(string(d))
	if err != nil {
		return fallback
	}
	return parsed
}
